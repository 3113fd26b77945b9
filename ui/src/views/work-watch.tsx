// work-watch: tells how operations ended, on whatever page one is, and draws the sheet over the page when one is asked for or looked at.

import { useEffect } from 'preact/hooks';
import { lazy } from '../parts/lazy';
import { sheet, watchDeeds } from '../state/deeds';
import { followOperations, watchResults } from '../state/operations';

const DeedSheet = lazy(() => import('./work-deed').then((m) => m.DeedSheet), () => <></>);

export function Watch() {
  useEffect(() => {
    const ends = [followOperations(), watchResults(), watchDeeds()];
    return () => ends.forEach((end) => end());
  }, []);
  return sheet.value ? <DeedSheet of={sheet.value} /> : <></>;
}
