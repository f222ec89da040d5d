// Durations of the spec, `90s` or `1h30m`, in milliseconds. The server has checked them.

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Undefined for what is absent or no duration. */
export function durationMs(text: string | undefined): number | undefined {
  if (text === undefined || !/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/.test(text)) return undefined;
  return [...text.matchAll(/([0-9.]+)(ms|s|m|h)/g)].reduce(
    (total, [, amount, unit = 's']) => total + Number(amount) * (UNIT_MS[unit] ?? 0),
    0,
  );
}
