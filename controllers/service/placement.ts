// Which nodes get an instance, and which of them first. Pure: the same facts give the same order, so that plans can be compared.
import { refusal } from '../machinery/node-fit.ts';
import type { NodeFacts } from '../machinery/node-fit.ts';
import type { PodTemplate } from './types.ts';

export interface RejectedNode {
  readonly node: string;
  readonly reason: string;
}

export interface Placement {
  /** In order of name. */
  readonly eligible: readonly NodeFacts[];
  readonly names: ReadonlySet<string>;
  readonly rejected: readonly RejectedNode[];
  /** Why no node is eligible; '' when one is. */
  readonly problem: string;
}

/** @param allowed names of nodes that the spec names; empty: all */
export function placementOf(
  template: PodTemplate,
  nodes: readonly NodeFacts[],
  allowed: readonly string[],
): Placement {
  const named = new Set(allowed);
  const eligible: NodeFacts[] = [];
  const rejected: RejectedNode[] = [];
  for (const node of byName(nodes)) {
    const reason = placementRefusal(template, node, named);
    if (reason === undefined) eligible.push(node);
    else rejected.push({ node: node.name, reason });
  }
  const known = new Set(nodes.map(({ name }) => name));
  for (const name of allowed) {
    if (!known.has(name)) rejected.push({ node: name, reason: 'is not a node of this cluster' });
  }
  return placement(eligible, rejected, '');
}

/** @param allowed names of nodes that the spec names; empty: all. @returns why an instance may not run there */
export function placementRefusal(
  template: PodTemplate,
  node: NodeFacts,
  allowed: ReadonlySet<string>,
): string | undefined {
  if (allowed.size > 0 && !allowed.has(node.name)) return 'is not in spec.placement.nodes';
  return refusal(template.spec, node);
}

/** Of these nodes only those where the volumes are. @param problem why there is none, when there is none */
export function withVolumes(
  before: Placement,
  allowed: ReadonlySet<string>,
  problem: string | undefined,
): Placement {
  const eligible = before.eligible.filter(({ name }) => allowed.has(name));
  const without = before.eligible.filter(({ name }) => !allowed.has(name));
  return placement(
    eligible,
    [
      ...before.rejected,
      ...without.map(({ name }) => ({ node: name, reason: 'does not have the volumes' })),
    ],
    problem ?? '',
  );
}

const MAXIMUM_REASONS = 10;

function placement(
  eligible: readonly NodeFacts[],
  rejected: readonly RejectedNode[],
  cause: string,
): Placement {
  const names = new Set(eligible.map(({ name }) => name));
  if (eligible.length > 0) return { eligible, names, rejected, problem: '' };
  const reasons = rejected.map(({ node, reason }) => `${node} ${reason}`);
  const shown = reasons.slice(0, MAXIMUM_REASONS).join('; ');
  const more = reasons.length - MAXIMUM_REASONS;
  const details = reasons.length === 0 ? 'no node has joined yet' : shown;
  const problem = [
    'no machines available that satisfy all constraints',
    ...(cause === '' ? [] : [cause]),
    `${details}${more > 0 ? `; and ${more} more` : ''}`,
  ].join(': ');
  return { eligible, names, rejected, problem };
}

export function byName(nodes: readonly NodeFacts[]): readonly NodeFacts[] {
  return nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
