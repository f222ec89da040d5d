// Time on the wire: RFC 3339 in UTC. metav1.Time has seconds, MicroTime microseconds.

/** @param ms since the epoch */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** With six digits after the point, as Leases have it. @param ms since the epoch */
export function microTimestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000Z`;
}

/** Milliseconds since the epoch, or `undefined` for what is absent or no time. */
export function parseTimestamp(text: string | undefined | null): number | undefined {
  if (text === undefined || text === null) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
