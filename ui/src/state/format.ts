// format: numbers as people read them; each with its unit, its exact value, and a reason when unknown.

export interface Shown {
  text: string;  // "3.1"
  unit: string;  // "GiB"
  exact: string; // "3,328,598,016 bytes"
}

export const UNKNOWN = '–';

const plain = new Intl.NumberFormat('en', { maximumFractionDigits: 3 });
const rounded = [0, 1, 2].map((digits) => new Intl.NumberFormat('en', { maximumFractionDigits: digits })); // making one costs more than a row

function unknown(why: string): Shown {
  return { text: UNKNOWN, unit: '', exact: why };
}

function isKnown(v: number | null | undefined): v is number {
  return typeof v === 'number' && Number.isFinite(v);
}

/** Three significant digits at most, never an exponent: 0.04, 1.23, 12.3, 123, 1,234. */
export function short(v: number): string {
  const size = Math.abs(v);
  if (size === 0) return '0';
  if (size < 0.005) return '< 0.01';
  const digits = size < 10 ? 2 : size < 100 ? 1 : 0;
  return rounded[digits]!.format(v);
}

function scale(v: number, base: number, units: string[]): [number, string] {
  let i = 0;
  // 999.5 rounds to "1000": the next unit is shorter.
  while (Math.abs(v) >= base * 0.9995 && i < units.length - 1) {
    v /= base;
    i += 1;
  }
  return [v, units[i]!];
}

export type Format = (v: number | null | undefined, why?: string) => Shown;

const NOT_MEASURED = 'not measured';

export const bytes: Format = (v, why = NOT_MEASURED) => {
  if (!isKnown(v)) return unknown(why);
  const [n, unit] = scale(v, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']);
  return { text: short(n), unit, exact: `${plain.format(v)} bytes` };
};

/** Bytes a second, as disks are spoken of. */
export const byteRate: Format = (v, why = NOT_MEASURED) => {
  if (!isKnown(v)) return unknown(why);
  const [n, unit] = scale(v, 1000, ['B/s', 'kB/s', 'MB/s', 'GB/s']);
  return { text: short(n), unit, exact: `${plain.format(v)} bytes per second` };
};

/** Bytes a second shown as bits a second, as networks are spoken of. */
export const bitRate: Format = (v, why = NOT_MEASURED) => {
  if (!isKnown(v)) return unknown(why);
  const [n, unit] = scale(v * 8, 1000, ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s']);
  return { text: short(n), unit, exact: `${plain.format(v * 8)} bits per second, ${plain.format(v)} bytes per second` };
};

export const percent: Format = (v, why = NOT_MEASURED) => {
  if (!isKnown(v)) return unknown(why);
  const digits = Math.abs(v) < 10 ? 1 : 0;
  const text = v > 0 && v < 0.05 ? '< 0.1' : v.toFixed(digits);
  return { text, unit: '%', exact: `${plain.format(v)} %` };
};

export function count(unit = '', what = ''): Format {
  return (v, why = NOT_MEASURED) => {
    if (!isKnown(v)) return unknown(why);
    const [n, prefix] = Math.abs(v) < 100_000 ? [v, ''] : scale(v, 1000, ['', 'k', 'M', 'G', 'T']);
    const tail = (prefix + unit).trim();
    return { text: Math.abs(v) < 100_000 && Number.isInteger(v) ? plain.format(v) : short(n), unit: tail, exact: `${plain.format(v)} ${what || unit}`.trim() };
  };
}

export const perSecond: Format = count('/s', 'per second');

export const load: Format = (v, why = NOT_MEASURED) =>
  isKnown(v) ? { text: v.toFixed(2), unit: '', exact: `load average ${plain.format(v)}: processes running or waiting for a disk` } : unknown(why);

export const millis: Format = (v, why = NOT_MEASURED) => {
  if (!isKnown(v)) return unknown(why);
  if (v > 0 && v < 0.1) return { text: short(v * 1000), unit: 'µs', exact: `${plain.format(v)} ms` };
  if (v >= 10_000) return { text: short(v / 1000), unit: 's', exact: `${plain.format(v)} ms` };
  return { text: short(v), unit: 'ms', exact: `${plain.format(v)} ms` };
};

export const celsius: Format = (v, why = 'no sensor') =>
  isKnown(v) ? { text: v.toFixed(0), unit: '°C', exact: `${plain.format(v)} °C` } : unknown(why);

/** "3.1 GiB" for places that take one string: titles, labels, the clipboard. */
export function line(shown: Shown): string {
  return shown.unit === '' ? shown.text : shown.unit === '%' ? `${shown.text} %` : `${shown.text} ${shown.unit}`;
}

// --- time -------------------------------------------------------------------------------------------

export function time(text: string | null | undefined): number | null {
  if (!text) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

/** "4 s", "3 min", "2 h 5 min", "12 d 3 h", "2 y 40 d". */
export function duration(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  const min = Math.floor(s / 60);
  if (min < 60) return `${min} min`;
  const h = Math.floor(min / 60);
  if (h < 24) return min % 60 ? `${h} h ${min % 60} min` : `${h} h`;
  const d = Math.floor(h / 24);
  if (d < 365) return h % 24 ? `${d} d ${h % 24} h` : `${d} d`;
  const y = Math.floor(d / 365);
  return d % 365 ? `${y} y ${d % 365} d` : `${y} y`;
}

/** "just now", "in 3 s", "12 s ago", "3 min ago"; days and more lose their smaller part. */
export function ago(ms: number, now: number): string {
  const diff = now - ms;
  if (Math.abs(diff) < 1500) return 'just now';
  const short = duration(Math.abs(diff)).split(' ').slice(0, 2).join(' ');
  return diff > 0 ? `${short} ago` : `in ${short}`;
}

const stamp = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const minute = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const dayYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' });

export function dateTime(ms: number): string {
  return stamp.format(ms);
}

export function clockTime(ms: number): string {
  return clock.format(ms);
}

export function minuteTime(ms: number): string {
  return minute.format(ms);
}

export function dayTime(ms: number): string {
  return day.format(ms);
}

export function dayYearTime(ms: number): string {
  return dayYear.format(ms);
}

/** The user's zone, as the tooltip of absolute times says it. */
export const zone: string = Intl.DateTimeFormat().resolvedOptions().timeZone || 'local time';
