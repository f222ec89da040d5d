// Chooses a node for a Pod. Pure: filters by the rules of node-fit.ts, by where its volumes are, by host ports and by what is left of
// the node's resources, then prefers the node with the fewest Pods. Each rejected node has its reason.
import type { V1PodSpec } from '@kubernetes/client-node';
import { nodeFacts, refusal } from '../machinery/node-fit.ts';
import type { SchedulableNode } from '../machinery/node-fit.ts';
import { requestsOf, Room } from '../machinery/pod-requests.ts';
import type { KeptClaim } from './pod-claims.ts';

export interface Candidate {
  readonly node: SchedulableNode;
  /** Specs of the Pods that are bound there and not finished; asked only where the Pod may run otherwise. */
  readonly pods: () => readonly V1PodSpec[];
}

export type Decision =
  | { readonly node: string }
  /** `0/2 nodes are available: a is not ready; b has too little cpu.` */
  | { readonly node: undefined; readonly message: string };

const MAXIMUM_REASONS = 10;

/** @param claims of the Pod, those with a node of their own */
export function schedule(
  pod: V1PodSpec,
  candidates: readonly Candidate[],
  claims: readonly KeptClaim[],
): Decision {
  const reasons: string[] = [];
  let best: { readonly name: string; readonly load: number } | undefined;
  const ordered = candidates.toSorted((a, b) =>
    a.node.metadata.name < b.node.metadata.name ? -1 : 1,
  );
  for (const { node, pods } of ordered) {
    const { name } = node.metadata;
    const unfit = refusal(pod, nodeFacts(node)) ?? claimRefusal(claims, node);
    const there = unfit === undefined ? pods() : [];
    const reason = unfit ?? portRefusal(pod, there) ?? resourceRefusal(pod, node, there);
    if (reason !== undefined) reasons.push(`${name} ${reason}`);
    else if (best === undefined || there.length < best.load) best = { name, load: there.length };
  }
  if (best !== undefined) return { node: best.name };
  const shown = reasons.slice(0, MAXIMUM_REASONS).join('; ');
  const more =
    reasons.length > MAXIMUM_REASONS ? `; and ${reasons.length - MAXIMUM_REASONS} more` : '';
  const detail = reasons.length === 0 ? 'no node has joined yet' : `${shown}${more}`;
  return unavailable(candidates.length, detail);
}

/** No node out of `count`, for one reason that has nothing to do with any of them, or for theirs. */
export function unavailable(count: number, reason: string): Decision {
  return { node: undefined, message: `0/${count} nodes are available: ${reason}.` };
}

function claimRefusal(claims: readonly KeptClaim[], node: SchedulableNode): string | undefined {
  const away = claims.find((claim) => claim.node !== node.metadata.name);
  return away === undefined ? undefined : `has not volume ${away.name}, which is on ${away.node}`;
}

function resourceRefusal(
  pod: V1PodSpec,
  node: SchedulableNode,
  pods: readonly V1PodSpec[],
): string | undefined {
  const allocatable = node.status?.allocatable ?? {};
  const room = new Room(allocatable);
  for (const other of pods) room.take(requestsOf(other));
  const lacking = room.lacks(requestsOf(pod));
  if (lacking === undefined) return undefined;
  return lacking === 'pods'
    ? `runs ${pods.length} pods already and may run ${allocatable['pods'] ?? 0}`
    : `has too little ${lacking} left`;
}

function portRefusal(pod: V1PodSpec, pods: readonly V1PodSpec[]): string | undefined {
  const wanted = portsOf(pod);
  for (const held of pods.flatMap(portsOf)) {
    const clash = wanted.find(
      (want) =>
        want.port === held.port &&
        want.protocol === held.protocol &&
        (want.ip === held.ip || want.ip === '' || held.ip === ''),
    );
    if (clash !== undefined) return `has host port ${clash.port}/${clash.protocol} taken`;
  }
  return undefined;
}

interface Port {
  readonly port: number;
  readonly protocol: string;
  readonly ip: string;
}

function portsOf(pod: V1PodSpec): readonly Port[] {
  return pod.containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, containerPort, protocol = 'TCP', hostIP = '' }) => {
      const port = hostPort ?? (pod.hostNetwork === true ? containerPort : 0);
      return port === 0 ? [] : [{ port, protocol, ip: hostIP === '0.0.0.0' ? '' : hostIP }];
    }),
  );
}
