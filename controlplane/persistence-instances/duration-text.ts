// Short times for people: 340µs, 1.2ms, 4.5s, 3m.

/** @param seconds at least 0 */
export function durationText(seconds: number): string {
  if (seconds === 0) return '0';
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)}µs`;
  if (seconds < 1) return `${shortNumber(seconds * 1e3)}ms`;
  if (seconds < 120) return `${shortNumber(seconds)}s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)}m`;
  return `${Math.round(seconds / 3600)}h`;
}

function shortNumber(value: number): string {
  return value < 10 ? String(Number(value.toFixed(1))) : String(Math.round(value));
}
