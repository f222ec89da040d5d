// RFC 3339 times as the API writes them (seconds for Time, microseconds for MicroTime) and the short durations of
// kubectl's AGE columns. Milliseconds since the epoch inside.

const RFC3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|z|[+-]\d\d:\d\d)$/;

const FOUR_CENTURIES_MS = 146_097 * 24 * 60 * 60 * 1000;
const YEAR_0 = Date.UTC(400, 0, 1) - FOUR_CENTURIES_MS;
const YEAR_10000 = Date.UTC(10_000, 0, 1);

let lastSecond = Number.NaN;
let lastText = '';
/** What was parsed lately. */
const parsed = new Map<string, number | undefined>();
const MAXIMUM_PARSED = 256;
const MAXIMUM_PARSED_LENGTH = 40;

/** `2026-11-21T01:34:02Z`: metav1.Time has whole seconds, rounded down. */
export function formatTimestamp(ms: number): string {
  const second = Math.floor(ms / 1000);
  // Bursts of writes fall into the same second; a Date per write is a fair part of a small create.
  if (second !== lastSecond) {
    lastText = `${new Date(second * 1000).toISOString().slice(0, 19)}Z`;
    lastSecond = second;
  }
  return lastText;
}

/** `2026-11-21T01:34:02.123000Z`: metav1.MicroTime always has six digits. */
export function formatMicroTime(ms: number): string {
  // A double holds today's microseconds only approximately: rounding gives back what was parsed.
  const floor = Math.floor(ms);
  const rounded = Math.round((ms - floor) * 1000);
  const [whole, micros] = rounded === 1000 ? [floor + 1, 0] : [floor, rounded];
  return `${new Date(whole).toISOString().slice(0, 23)}${String(micros).padStart(3, '0')}Z`;
}

/** Milliseconds since the epoch (fractions kept to the microsecond), or undefined when `text` is no RFC 3339 time. */
export function parseTimestamp(text: string): number | undefined {
  // An object has a handful of times, each write looks at each of them, and a burst is of few seconds.
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const found = parse(text);
  if (parsed.size >= MAXIMUM_PARSED) parsed.clear();
  if (text.length <= MAXIMUM_PARSED_LENGTH) parsed.set(text, found);
  return found;
}

function parse(text: string): number | undefined {
  const match = RFC3339.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction, zone] = match;
  const fields = [year, month, day, hour, minute, second].map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  // Date.UTC takes years below 100 for 19xx; 400 years later the calendar is the same.
  const later = fields[0] < 100 ? 400 : 0;
  const shifted = Date.UTC(
    fields[0] + later,
    fields[1] - 1,
    fields[2],
    fields[3],
    fields[4],
    fields[5],
  );
  // It rolls 31 February over; Go refuses it, and so do we.
  const back = new Date(shifted);
  if (
    back.getUTCMonth() !== fields[1] - 1 ||
    back.getUTCDate() !== fields[2] ||
    fields[3] > 23 ||
    fields[4] > 59 ||
    fields[5] > 59
  ) {
    return undefined;
  }
  const micros = fraction === undefined ? 0 : Number(fraction.padEnd(6, '0').slice(0, 6));
  const ms =
    shifted - (later === 0 ? 0 : FOUR_CENTURIES_MS) + micros / 1000 - zoneOffsetMs(zone ?? 'Z');
  // Other zones reach years that have no four digits in UTC.
  return ms < YEAR_0 || ms >= YEAR_10000 ? undefined : ms;
}

function zoneOffsetMs(zone: string): number {
  if (zone === 'Z' || zone === 'z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6));
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000;
}

/**
 * A duration the way kubectl prints ages: `45s`, `2m5s`, `12m`, `3h7m`, `9h`, `2d4h`, `12d`, `2y30d`, `9y`.
 * The smaller unit is dropped as the larger grows. Slightly negative (clock skew) is `0s`, more is `<invalid>`.
 */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes < 10) return twoUnits(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.trunc(minutes / 60);
  if (hours < 8) return twoUnits(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.trunc(hours / 24);
  if (days < 8) return twoUnits(days, 'd', hours % 24, 'h');
  if (days < 365 * 2) return `${days}d`;
  const years = Math.trunc(days / 365);
  if (years < 8) return twoUnits(years, 'y', days % 365, 'd');
  return `${years}y`;
}

function twoUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;
}

/** The AGE cell of a timestamp: `<unknown>` when it is missing or unreadable. */
export function ageOf(timestamp: unknown, now: number): string {
  if (typeof timestamp !== 'string') return '<unknown>';
  const then = parseTimestamp(timestamp);
  return then === undefined ? '<unknown>' : humanDuration(now - then);
}
