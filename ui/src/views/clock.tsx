import { useComputed } from '@preact/signals';
import { linkStatus } from '../link/live';
import { clockTime, dateTime, zone } from '../state/format';
import { now } from '../state/store';

/** This browser's time; its tooltip has the day, and says when the server's clock disagrees. */
export function Clock() {
  const text = useComputed(() => clockTime(now.value));
  const skew = linkStatus.value.skewMs;
  const note = Math.abs(skew) > 2000 ? `; the server's clock is ${Math.abs(skew / 1000).toFixed(0)} s ${skew > 0 ? 'ahead' : 'behind'}` : '';
  return <span class="clock num" data-tip={`${dateTime(now.peek()).split(',')[0]}, ${zone}${note}`}>{text}</span>;
}
