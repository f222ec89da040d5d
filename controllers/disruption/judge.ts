// How many Pods of a budget may be disrupted now? Pure. The rules are those of upstream's disruption controller; one thing is added:
// hooks of a rollout run beside the instances, carry their labels and serve nobody, so they count as nothing.
import { isConditionTrue } from '../machinery/conditions.ts';
import type { ApiObject } from '../machinery/client-types.ts';

export interface BudgetSpec {
  readonly minAvailable?: number | string;
  readonly maxUnavailable?: number | string;
}

export interface BudgetPod extends ApiObject {
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** Pods whose eviction was granted, by name: RFC 3339 of when. */
export type DisruptedPods = Readonly<Record<string, string>>;

export interface Counts {
  readonly expectedPods: number;
  readonly desiredHealthy: number;
  readonly currentHealthy: number;
  readonly disruptionsAllowed: number;
}

/** An eviction that was granted and after which the Pod is still there so long after never happened. */
export const DELETION_TIMEOUT_MS = 120_000;

const HOOK_LABEL = 'windlass.dev/hook';

export function isInstance({ metadata }: ApiObject): boolean {
  return metadata.labels?.[HOOK_LABEL] === undefined;
}

/** True when the amount is a share of what the controllers of the Pods want, not of what is there. */
export function needsScale({ minAvailable, maxUnavailable }: BudgetSpec): boolean {
  return maxUnavailable !== undefined || typeof minAvailable === 'string';
}

/** @param scale how many Pods their controllers want; only looked at where needsScale() */
export function count(
  spec: BudgetSpec,
  scale: number,
  pods: readonly BudgetPod[],
  disrupted: DisruptedPods,
): Counts {
  const { minAvailable, maxUnavailable } = spec;
  const expectedPods = needsScale(spec) ? scale : pods.length;
  const desiredHealthy =
    maxUnavailable === undefined
      ? amountOf(minAvailable ?? 0, expectedPods)
      : Math.max(0, expectedPods - amountOf(maxUnavailable, expectedPods));
  const currentHealthy = pods.filter(
    ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined &&
      !Object.hasOwn(disrupted, metadata.name) &&
      isConditionTrue(status?.conditions, 'Ready'),
  ).length;
  const left = currentHealthy - desiredHealthy;
  return {
    expectedPods: minAvailable === undefined && maxUnavailable === undefined ? 0 : expectedPods,
    desiredHealthy,
    currentHealthy,
    disruptionsAllowed: expectedPods > 0 && left > 0 ? left : 0,
  };
}

/** Percentages are rounded up, of unavailable Pods too. */
function amountOf(amount: number | string, of: number): number {
  return typeof amount === 'number' ? amount : Math.ceil((Number.parseInt(amount, 10) * of) / 100);
}

export interface Disruptions {
  /** What is still under way. */
  readonly disrupted: DisruptedPods;
  /** Pods that were expected to go and did not. */
  readonly overdue: readonly BudgetPod[];
  /** In how many milliseconds the next of them is overdue. */
  readonly recheckMs: number | undefined;
}

/** Drops what is done or did not happen: Pods that go are not counted anyway. @param now milliseconds since the epoch */
export function disruptionsOf(
  disrupted: DisruptedPods,
  pods: readonly BudgetPod[],
  now: number,
): Disruptions {
  const kept: Record<string, string> = {};
  const overdue: BudgetPod[] = [];
  let recheckMs: number | undefined;
  for (const pod of pods) {
    const { name, deletionTimestamp } = pod.metadata;
    const since = Object.hasOwn(disrupted, name) ? disrupted[name] : undefined;
    if (since === undefined || deletionTimestamp !== undefined) continue;
    const left = Date.parse(since) + DELETION_TIMEOUT_MS - now;
    if (left > 0) {
      kept[name] = since;
      recheckMs = Math.min(recheckMs ?? left, left);
    } else overdue.push(pod);
  }
  return { disrupted: kept, overdue, recheckMs };
}
