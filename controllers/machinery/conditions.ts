// Status conditions in the Kubernetes form. Pure: lists go in, new lists come out.

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** One word in CamelCase, for programs. */
  readonly reason: string;
  /** A sentence for people. */
  readonly message: string;
  readonly observedGeneration?: number;
  /** When `status` last changed. */
  readonly lastTransitionTime: string;
}

/** Puts conditions in: those of the same type are replaced in place, and keep their transition time while the status stays. */
export function setConditions(
  existing: readonly Condition[],
  wanted: readonly Omit<Condition, 'lastTransitionTime'>[],
  now: string,
): readonly Condition[] {
  const result = [...existing];
  for (const condition of wanted) {
    const index = result.findIndex(({ type }) => type === condition.type);
    const before = result[index];
    const lastTransitionTime =
      before?.status === condition.status ? before.lastTransitionTime : now;
    const next = { ...condition, lastTransitionTime };
    if (index < 0) result.push(next);
    else result[index] = next;
  }
  return result;
}

/** True when the condition is there and its status is `True`. */
export function isConditionTrue(
  conditions: readonly { readonly type: string; readonly status: string }[] | undefined,
  type: string,
): boolean {
  return (
    conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false
  );
}
