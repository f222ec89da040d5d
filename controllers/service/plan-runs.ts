// Operations that make an instance where none is, and the ones that report those that were made. Pure.
import type { Instance } from './instance.ts';
import { hostPortClash, hostPortsOf } from './order.ts';
import { explainRejections, pickNode } from './placement.ts';
import type { PlanContext } from './plan-context.ts';
import type { Operation, RevisionFacts } from './plan-types.ts';
import { occupy, orderFor, waitingFor } from './workbench.ts';
import type { Workbench } from './workbench.ts';

export function planRuns(bench: Workbench): Operation[] {
  const { context, slots } = bench;
  const { goal } = context;
  if (goal === undefined) return [];
  const missing = slots.vacancies.map(({ node, reason }) => planRun(bench, goal, node, reason));
  const starting = slots.held
    .filter(({ instance }) => context.isAcceptable(instance) && !context.isAvailable(instance))
    .map(({ instance }): Operation => ({
      op: 'run',
      node: instance.node,
      revision: instance.revision,
      step: 'wait',
      state: bench.failure === undefined ? 'InProgress' : 'Failed',
      pod: instance.name,
      reasons: [waitingFor(instance)],
    }));
  return [...starting, ...missing];
}

function planRun(
  bench: Workbench,
  goal: RevisionFacts,
  wantedNode: string | undefined,
  reason: string,
): Operation {
  const { placement, load, heldPorts } = bench;
  const node = wantedNode ?? pickNode(placement, goal.template, load, heldPorts);
  const base = { op: 'run', node: node ?? '', revision: goal.hash } as const;
  if (node === undefined) {
    return {
      ...base,
      step: 'wait',
      state: 'Waiting',
      reasons: [reason, explainRejections(placement)],
    };
  }
  const obstacle = obstacleTo(bench, goal, node);
  if (obstacle !== undefined) {
    return { ...base, step: 'wait', state: 'Waiting', reasons: [reason, obstacle] };
  }
  occupy(bench, node, goal);
  return { ...base, step: 'create', state: 'InProgress', reasons: [reason] };
}

/** What must go before an instance can start on a node. */
function obstacleTo(bench: Workbench, goal: RevisionFacts, node: string): string | undefined {
  const { context, terminating, alive } = bench;
  const { settings } = context.input;
  const going = terminating.filter(({ reachable }) => reachable);
  if (settings.type === 'Recreate') {
    const before = [...alive.filter((instance) => !context.isAcceptable(instance)), ...going][0];
    if (before !== undefined) return `waits until ${before.name} is gone`;
  }
  const blocking = going.find(
    (instance) =>
      instance.node === node && orderFor(context, instance, goal).order === 'stop-first',
  );
  if (blocking !== undefined) return `waits until ${blocking.name} is gone`;
  const clash = hostPortClash(bench.heldPorts.get(node) ?? [], hostPortsOf(goal.template));
  if (clash !== undefined) return `host port ${clash.port}/${clash.protocol} is taken on ${node}`;
  return undefined;
}

export function restingRuns(context: PlanContext, resting: readonly Instance[]): Operation[] {
  return resting.map((instance) => ({
    op: 'run',
    node: instance.node,
    revision: context.goal?.hash ?? '',
    step: 'wait',
    state: 'Waiting',
    pod: instance.name,
    reasons: [`${instance.name}: ${instance.trouble}`],
  }));
}

/** What an unproven rollout has finished, read from the instances that it left. */
export function doneOperations({ context, slots }: Workbench): Operation[] {
  if (!context.unproven || context.undone) return [];
  return slots.held
    .filter(({ instance }) => context.isUpdated(instance) && context.isAvailable(instance))
    .map(({ instance }) => ({
      op: 'run',
      node: instance.node,
      revision: instance.revision,
      step: 'wait',
      state: 'Done',
      pod: instance.name,
      reasons: [
        instance.replaces === undefined ? 'it was missing' : 'it took the place of an older one',
      ],
    }));
}
