// work-watch: tells how one's own operations ended, on whatever page one is; draws nothing.

import { useEffect } from 'preact/hooks';
import { watchResults } from '../state/operations';

export function Watch() {
  useEffect(() => watchResults(), []);
  return <></>;
}
