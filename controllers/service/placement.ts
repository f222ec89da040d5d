// Which nodes get an instance, and which of them first. Pure: the same facts give the same order, so that plans can be compared.
import { refusal } from '../machinery/node-fit.ts';
import type { NodeFacts } from '../machinery/node-fit.ts';
import { hostPortClash, hostPortsOf } from './order.ts';
import type { HostPort } from './order.ts';
import type { PodTemplate } from './types.ts';

export interface RejectedNode {
  readonly node: string;
  readonly reason: string;
}

export interface Placement {
  /** In order of name. */
  readonly eligible: readonly NodeFacts[];
  readonly rejected: readonly RejectedNode[];
}

export function placementOf(template: PodTemplate, nodes: readonly NodeFacts[]): Placement {
  const eligible: NodeFacts[] = [];
  const rejected: RejectedNode[] = [];
  for (const node of nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const reason = refusal(template.spec, node);
    if (reason === undefined) eligible.push(node);
    else rejected.push({ node: node.name, reason });
  }
  return { eligible, rejected };
}

/**
 * The node with the fewest instances; among equals the first by name. Nodes where `template`'s host ports are taken come last.
 *
 * @param load node → number of instances there
 * @param held node → host ports taken there
 */
export function pickNode(
  placement: Placement,
  template: PodTemplate,
  load: ReadonlyMap<string, number>,
  held: ReadonlyMap<string, readonly HostPort[]>,
): string | undefined {
  const wanted = hostPortsOf(template);
  const rank = (node: NodeFacts): number =>
    (load.get(node.name) ?? 0) +
    (hostPortClash(held.get(node.name) ?? [], wanted) === undefined ? 0 : 1_000_000);
  let best: NodeFacts | undefined;
  for (const node of placement.eligible) {
    if (best === undefined || rank(node) < rank(best)) best = node;
  }
  return best?.name;
}

/** `no node is eligible: a is cordoned (unschedulable); b is not ready`. */
export function explainRejections({ eligible, rejected }: Placement): string {
  if (eligible.length > 0) return '';
  if (rejected.length === 0) return 'no node has joined yet';
  const reasons = rejected.map(({ node, reason }) => `${node} ${reason}`);
  const shown = reasons.slice(0, 10);
  const more = reasons.length - shown.length;
  return `no node is eligible: ${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
