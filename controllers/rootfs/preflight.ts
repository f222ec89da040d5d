// Looks before anything is touched: named checks, all run at once, all told, whatever one of them says.

export type Severity = 'ok' | 'warning' | 'error';

export interface CheckResult {
  readonly name: string;
  /** What was looked at: a path, a program, an address without its secrets. */
  readonly target: string;
  readonly severity: Severity;
  readonly message: string;
  /** An error that somebody chose to go on with. */
  readonly ignored?: boolean;
}

export interface Checker {
  readonly name: string;
  /** Changes nothing. Throwing is an error of the check. */
  check(signal: AbortSignal): Promise<readonly Omit<CheckResult, 'name'>[]>;
}

export interface PreflightPolicy {
  /** Names of checks, in any case; `all` is every one. */
  readonly ignore: readonly string[];
  readonly failOnWarnings: boolean;
}

export interface PreflightReport {
  readonly status: 'ok' | 'failed';
  readonly checks: readonly CheckResult[];
  /** `12 ok, 1 warning, 2 errors` */
  readonly summary: string;
}

/** The results keep the order of the checkers. */
export async function runPreflight(
  checkers: readonly Checker[],
  policy: PreflightPolicy,
  signal: AbortSignal,
): Promise<PreflightReport> {
  const ignored = new Set(policy.ignore.flatMap((text) => text.split(',')).map(nameKey));
  const lists = await Promise.all(
    checkers.map(async (checker): Promise<readonly CheckResult[]> => {
      const { name } = checker;
      try {
        return (await checker.check(signal)).map((result) => ({ name, ...result }));
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        const message = error instanceof Error ? error.message : String(error);
        return [{ name, target: '', severity: 'error', message }];
      }
    }),
  );
  const checks = lists.flat().map((result): CheckResult => {
    const isIgnored = ignored.has('all') || ignored.has(nameKey(result.name));
    return result.severity === 'error' && isIgnored
      ? { ...result, severity: 'warning', ignored: true }
      : result;
  });
  const count = (severity: Severity): number =>
    checks.filter((result) => result.severity === severity).length;
  const [ok, warnings, errors] = [count('ok'), count('warning'), count('error')];
  // What was ignored by name is no warning that fails either: it was chosen.
  const counting = checks.filter(({ severity, ignored: own }) => severity === 'warning' && !own);
  const isFailed = errors > 0 || (policy.failOnWarnings && counting.length > 0);
  return {
    status: isFailed ? 'failed' : 'ok',
    checks,
    summary: `${ok} ok, ${worded(warnings, 'warning')}, ${worded(errors, 'error')}`,
  };
}

export function ok(target: string, message: string): Omit<CheckResult, 'name'> {
  return { target, severity: 'ok', message };
}

export function warning(target: string, message: string): Omit<CheckResult, 'name'> {
  return { target, severity: 'warning', message };
}

export function failure(target: string, message: string): Omit<CheckResult, 'name'> {
  return { target, severity: 'error', message };
}

function nameKey(text: string): string {
  return text.trim().toLowerCase();
}

function worded(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
