// May this Pod run on that Node? The part of Kubernetes' scheduling rules that the service planner and the scheduler share: readiness,
// cordon, taints, node selector and required node affinity. Pure; each refusal is a reason in words.
import type {
  V1Affinity,
  V1NodeSelectorRequirement,
  V1NodeSelectorTerm,
  V1Toleration,
} from '@kubernetes/client-node';
import { tolerates, UNSCHEDULABLE } from '#platform/pod-placement.ts';
import type { Taint } from '#platform/pod-placement.ts';

/** What placement needs to know of a Node. */
export interface NodeFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ready: boolean;
  readonly unschedulable: boolean;
  readonly taints: readonly Taint[];
  /** Whether it may be able to change the resources of a running container. */
  readonly resizable: boolean;
}

/** The fields of a PodSpec that decide where it may run. */
export interface PlacementRules {
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly affinity?: V1Affinity;
  readonly tolerations?: readonly V1Toleration[];
}

/** The Node as it comes from the API, as far as it matters here. */
export interface NodeObject {
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec?: { readonly unschedulable?: boolean; readonly taints?: readonly Taint[] };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly nodeInfo?: { readonly containerRuntimeVersion?: string };
  };
}

/** With what it has to give. */
export interface SchedulableNode extends NodeObject {
  readonly status?: NonNullable<NodeObject['status']> & {
    readonly allocatable?: Readonly<Record<string, string>>;
  };
}

export function nodeFacts(node: NodeObject): NodeFacts {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  return {
    name: node.metadata.name,
    labels: node.metadata.labels ?? {},
    ready: ready?.status === 'True' && node.metadata.deletionTimestamp === undefined,
    unschedulable: node.spec?.unschedulable ?? false,
    taints: node.spec?.taints ?? [],
    // Processes have no limits of their own that could be changed.
    resizable: node.status?.nodeInfo?.containerRuntimeVersion?.startsWith('process:') !== true,
  };
}

/** @returns why the Pod may not run there, or `undefined` when it may */
export function refusal(rules: PlacementRules, node: NodeFacts): string | undefined {
  if (!node.ready) return 'is not ready';
  if (node.unschedulable && !tolerates(rules.tolerations, UNSCHEDULABLE)) {
    return 'is cordoned (unschedulable)';
  }
  const taint = node.taints.find(
    (candidate) =>
      (candidate.effect === 'NoSchedule' || candidate.effect === 'NoExecute') &&
      // The cordon above says the same in better words.
      candidate.key !== UNSCHEDULABLE.key &&
      !tolerates(rules.tolerations, candidate),
  );
  if (taint !== undefined) return `has the taint ${taintText(taint)} that is not tolerated`;
  for (const [key, value] of Object.entries(rules.nodeSelector ?? {})) {
    if (node.labels[key] !== value) return `lacks the label ${key}=${value} of the node selector`;
  }
  return affinityRefusal(rules.affinity, node);
}

/** Taints that say that a node is away, for a moment or for good: they come and go by themselves. */
export const AWAY_TAINTS: ReadonlySet<string> = new Set([
  'node.kubernetes.io/not-ready',
  'node.kubernetes.io/unreachable',
]);

function taintText({ key, value = '', effect }: Taint): string {
  return value === '' ? `${key}:${effect}` : `${key}=${value}:${effect}`;
}

function affinityRefusal(affinity: V1Affinity | undefined, node: NodeFacts): string | undefined {
  const terms =
    affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (terms === undefined) return undefined;
  return terms.some((term) => termMatches(term, node))
    ? undefined
    : 'does not match the required node affinity';
}

/** Terms are ORed, requirements of a term ANDed; an empty term matches nothing. */
function termMatches(term: V1NodeSelectorTerm, node: NodeFacts): boolean {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  return (
    matchExpressions.every((requirement) =>
      requirementMatches(requirement, node.labels[requirement.key]),
    ) &&
    matchFields.every(
      (requirement) =>
        requirement.key === 'metadata.name' && requirementMatches(requirement, node.name),
    )
  );
}

function requirementMatches(
  { operator, values = [] }: V1NodeSelectorRequirement,
  actual: string | undefined,
): boolean {
  switch (operator) {
    case 'In':
      return actual !== undefined && values.includes(actual);
    case 'NotIn':
      return actual === undefined || !values.includes(actual);
    case 'Exists':
      return actual !== undefined;
    case 'DoesNotExist':
      return actual === undefined;
    case 'Gt':
      return actual !== undefined && Number(actual) > Number(values[0]);
    case 'Lt':
      return actual !== undefined && Number(actual) < Number(values[0]);
    default:
      return false;
  }
}
