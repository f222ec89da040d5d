// Permission bits as manifests write them. Pure.

/**
 * `'0755'` and `'755'` are octal digits, a number is the bits themselves (493, as YAML 1.1 reads 0755).
 *
 * @throws RangeError for anything else
 */
export function parseMode(value: number | string): number {
  const mode =
    typeof value === 'number' ? value : /^0?[0-7]{3}$/.test(value) ? Number.parseInt(value, 8) : -1;
  if (Number.isInteger(mode) && mode >= 0 && mode <= 0o777) return mode;
  throw new RangeError(
    `mode ${JSON.stringify(value)}: give octal digits as '0755', or the same number in decimal`,
  );
}

/** `0755` */
export function modeText(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
