// Versions of what runs on machines: `1.2.3`, `v1.31.2`, `v1.31.2+k0s.0`, `0.1.0-rc.1`. Pure.

interface Version {
  readonly numbers: readonly [number, number, number];
  readonly preRelease: string | undefined;
  /** Releases of one upstream version, as k0s numbers them; 0 without. */
  readonly build: number;
}

const FORM = /^v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?$/;

function parse(text: string): Version | undefined {
  const [, major, minor, patch, preRelease, build = ''] = FORM.exec(text) ?? [];
  if (major === undefined) return undefined;
  return {
    numbers: [Number(major), Number(minor), Number(patch)],
    preRelease,
    build: Number(/(\d+)$/.exec(build)?.[1] ?? 0),
  };
}

export function isVersion(text: string): boolean {
  return parse(text) !== undefined;
}

/** Negative when `left` is older. What is no version is older than any. */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [parse(left), parse(right)];
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  for (const index of [0, 1, 2] as const) {
    const difference = a.numbers[index] - b.numbers[index];
    if (difference !== 0) return difference;
  }
  if (a.preRelease !== b.preRelease) {
    if (a.preRelease === undefined) return 1;
    if (b.preRelease === undefined) return -1;
    return comparePreReleases(a.preRelease, b.preRelease);
  }
  return a.build - b.build;
}

/** As semver.org orders them: numbers by value and before words, more parts after fewer. */
function comparePreReleases(left: string, right: string): number {
  const [a, b] = [left.split('.'), right.split('.')];
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const [one, other] = [a[index], b[index]];
    if (one === undefined || other === undefined) return one === undefined ? -1 : 1;
    if (one === other) continue;
    const [isNumber, isOtherNumber] = [/^\d+$/.test(one), /^\d+$/.test(other)];
    if (isNumber && isOtherNumber) return Number(one) - Number(other);
    if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
    return one < other ? -1 : 1;
  }
  return 0;
}

/** Whether two texts mean one version: `v1.2.3` and `1.2.3` do. */
export function isSameVersion(left: string | undefined, right: string | undefined): boolean {
  return left?.replace(/^v/, '') === right?.replace(/^v/, '');
}

/** Minor versions from one to the other; Infinity across major ones, 0 when either is no version. */
export function minorsBetween(from: string, to: string): number {
  const [a, b] = [parse(from), parse(to)];
  if (a === undefined || b === undefined) return 0;
  return a.numbers[0] === b.numbers[0] ? b.numbers[1] - a.numbers[1] : Infinity;
}
