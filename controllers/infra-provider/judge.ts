// What an InfraProvider's status says, from what was asked and answered. Pure.
import { buildClusterStatus } from '../infrastructure/cluster-status.ts';
import { CredentialsRefused, InfrastructureError, reasonOf } from '../infrastructure/errors.ts';
import type { Capability, NodeInfo } from '../infrastructure/provider.ts';
import { setConditions } from '../machinery/conditions.ts';
import type { Condition } from '../machinery/conditions.ts';
import type { InfraProviderStatus, Orphan, SeenCluster } from './types.ts';

/** What the other side said, or why it said nothing. */
export type Answer =
  | {
      readonly nodes: readonly NodeInfo[];
      readonly readyState: string;
      readonly capabilities: readonly Capability[];
    }
  | { readonly error: unknown };

type Wanted = Omit<Condition, 'lastTransitionTime'>;

/** Lists are cut here, so that the object stays of a size. */
export const MOST_LISTED = 500;

/** @param clusterUIDs of all Clusters of the API, and of Machines, which are clusters by themselves where they belong to none */
export function judge(
  answer: Answer,
  clusterUIDs: ReadonlySet<string>,
  before: InfraProviderStatus,
  generation: number | undefined,
  now: string,
): InfraProviderStatus {
  const observed = generation === undefined ? {} : { observedGeneration: generation };
  const conditions = setConditions(
    before.conditions ?? [],
    conditionsOf(answer).map((condition) => ({ ...condition, ...observed })),
    now,
  );
  // What was seen last stays to be read; the conditions say that it is old.
  if ('error' in answer) return { ...before, ...observed, conditions };
  return {
    ...observed,
    conditions,
    capabilities: answer.capabilities,
    clusters: clustersOf(answer.nodes, answer.readyState, clusterUIDs).slice(0, MOST_LISTED),
    orphans: orphansOf(answer.nodes, clusterUIDs).slice(0, MOST_LISTED),
  };
}

export function clustersOf(
  nodes: readonly NodeInfo[],
  readyState: string,
  clusterUIDs: ReadonlySet<string>,
): readonly SeenCluster[] {
  const groups = Map.groupBy(
    nodes,
    ({ clusterName, clusterUID = '' }) => `${clusterName}\n${clusterUID}`,
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    const status = buildClusterStatus(group, readyState);
    if (first === undefined || status === null) return [];
    const { clusterName: name, clusterUID: uid, isOwned } = first;
    const { phase, nodesTotal, nodesReady } = status;
    const owned = isOwned && (uid === undefined || clusterUIDs.has(uid));
    return [{ name, ...(uid === undefined ? {} : { uid }), owned, phase, nodesTotal, nodesReady }];
  });
}

export function orphansOf(
  nodes: readonly NodeInfo[],
  clusterUIDs: ReadonlySet<string>,
): readonly Orphan[] {
  return nodes.flatMap(({ name, clusterName: cluster, clusterUID }) =>
    clusterUID === undefined || clusterUIDs.has(clusterUID) ? [] : [{ name, cluster, clusterUID }],
  );
}

function conditionsOf(answer: Answer): readonly Wanted[] {
  if (!('error' in answer))
    return [
      { type: 'Available', status: 'True', reason: 'Answers', message: 'It answers.' },
      {
        type: 'CredentialsValid',
        status: 'True',
        reason: 'Accepted',
        message: 'They are accepted.',
      },
      { type: 'Ready', status: 'True', reason: 'Ready', message: 'Nodes can be asked for.' },
    ];
  const { error } = answer;
  const message = error instanceof Error ? error.message : String(error);
  const reason = reasonOf(error);
  const isRefused = error instanceof CredentialsRefused;
  return [
    isRefused
      ? {
          type: 'Available',
          status: 'Unknown',
          reason,
          message: 'Without credentials it was not asked.',
        }
      : { type: 'Available', status: 'False', reason, message },
    isRefused
      ? { type: 'CredentialsValid', status: 'False', reason, message }
      : {
          type: 'CredentialsValid',
          status: 'Unknown',
          reason,
          message: 'They could not be tried.',
        },
    { type: 'Ready', status: 'False', reason, message },
  ];
}

/** Whether asking again later can help, without a change to the object. */
export function isPassing(error: unknown): boolean {
  return !(error instanceof InfrastructureError) || error.reason !== 'InvalidRequest';
}
