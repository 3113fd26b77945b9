// silence: how long the alerts of a server may keep still, and how its end reads; pure.

import { dayTime, minuteTime } from './format';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** What is offered at `at`; times by this machine's clock. */
export function silences(at: number): { label: string; until: number }[] {
  const morning = new Date(at);
  morning.setDate(morning.getDate() + 1);
  morning.setHours(9, 0, 0, 0);
  return [
    { label: '1 hour', until: at + HOUR_MS }, { label: '8 hours', until: at + 8 * HOUR_MS },
    { label: 'Until tomorrow 09:00', until: morning.getTime() }, { label: '7 days', until: at + 7 * DAY_MS },
  ];
}

/** "18:00", "29 Nov, 09:00" when that is another day. */
export function endText(until: number, at: number): string {
  return new Date(until).toDateString() === new Date(at).toDateString() ? minuteTime(until) : `${dayTime(until)}, ${minuteTime(until)}`;
}
