// Two of Kubernetes' scheduling rules that more than the scheduler asks for: whether a taint is tolerated, and to which one node a Pod is
// pinned. Pure, and without anything that a browser does not have.

export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

export interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
}

/** Of V1Affinity what pins a Pod to a node. */
export interface RequiredNodeAffinity {
  readonly nodeAffinity?: {
    readonly requiredDuringSchedulingIgnoredDuringExecution?: {
      readonly nodeSelectorTerms: readonly {
        readonly matchFields?: readonly {
          readonly key: string;
          readonly operator: string;
          readonly values?: readonly string[];
        }[];
      }[];
    };
  };
}

/** On a cordoned node. */
export const UNSCHEDULABLE: Taint = {
  key: 'node.kubernetes.io/unschedulable',
  effect: 'NoSchedule',
};

export function tolerates(tolerations: readonly Toleration[] | undefined, taint: Taint): boolean {
  return (tolerations ?? []).some((toleration) => {
    const { key = '', operator = 'Equal', value = '', effect = '' } = toleration;
    if (effect !== '' && effect !== taint.effect) return false;
    if (operator === 'Exists') return key === '' || key === taint.key;
    return key === taint.key && value === (taint.value ?? '');
  });
}

/** The only node that required affinity allows, as DaemonSets and our services pin their Pods; undefined when there may be several. */
export function requiredNode({
  affinity,
}: {
  readonly affinity?: RequiredNodeAffinity;
}): string | undefined {
  const terms =
    affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (terms?.length !== 1) return undefined;
  const names = terms[0]?.matchFields?.find(
    ({ key, operator }) => key === 'metadata.name' && operator === 'In',
  )?.values;
  return names?.length === 1 ? names[0] : undefined;
}
