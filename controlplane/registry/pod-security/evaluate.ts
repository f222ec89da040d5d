// What is wrong with a Pod by a level of pod security. Pure.
import { BASELINE_CHECKS } from './baseline-checks.ts';
import type { SecurityCheck, Violation } from './check.ts';
import { minorOf } from './policy.ts';
import type { LevelVersion } from './policy.ts';
import { RESTRICTED_CHECKS } from './restricted-checks.ts';
import type { SecurityPod } from './security-pod.ts';

function checksOf(policy: LevelVersion): readonly SecurityCheck[] {
  if (policy.level === 'privileged') return [];
  const minor = minorOf(policy);
  const isThere = ({ since = 0 }: SecurityCheck): boolean => since <= minor;
  const baseline = BASELINE_CHECKS.filter(isThere);
  if (policy.level === 'baseline') return baseline;
  const restricted = RESTRICTED_CHECKS.filter(isThere);
  const replaced = new Set(restricted.flatMap(({ replaces = [] }) => replaces));
  return [...baseline.filter(({ id }) => !replaced.has(id)), ...restricted];
}

export function violationsOf(pod: SecurityPod, policy: LevelVersion): readonly Violation[] {
  const minor = minorOf(policy);
  return checksOf(policy)
    .map((check) => check.run(pod, minor))
    .filter((violation) => violation !== undefined);
}

/** `host namespaces (hostPID=true), privileged (container "a" must …)`. */
export function violationsText(violations: readonly Violation[]): string {
  return violations.map(({ reason, detail }) => `${reason} (${detail})`).join(', ');
}
