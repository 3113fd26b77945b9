// work-watch: tells how one's own operations ended, on whatever page one is; draws nothing.

import { useEffect } from 'preact/hooks';
import { followOperations, watchResults } from '../state/operations';

export function Watch() {
  useEffect(() => {
    const ends = [followOperations(), watchResults()];
    return () => ends.forEach((end) => end());
  }, []);
  return <></>;
}
