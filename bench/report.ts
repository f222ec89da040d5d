// One line per figure; ratios are what counts, because machines differ and this run's floor moved with them.

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
}

/** The value below which `share` (0–1) of the sorted values lie. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

export function figure(name: string, value: number, unit: string): void {
  const digits = Math.abs(value) >= 100 ? 0 : 2;
  console.log(`  ${name.padEnd(46)} ${value.toFixed(digits).padStart(10)} ${unit}`);
}

export function verdict(name: string, ratio: number, target: string, met: boolean): void {
  console.log(
    `  ${name.padEnd(46)} ${ratio.toFixed(2).padStart(10)} × ${target} ${met ? '✓' : '✗'}`,
  );
}
