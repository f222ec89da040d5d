// Operations that make an instance where none is, and the ones that report those that were made. Pure.
import type { Instance } from './instance.ts';
import type { Operation, RevisionFacts } from './plan-types.ts';
import type { Vacancy } from './slots.ts';
import { orderFor, waitingFor } from './workbench.ts';
import type { Workbench } from './workbench.ts';

/** @param revisions of the instances to make, in the order of the vacancies; empty while nothing may begin */
export function planRuns(bench: Workbench, revisions: readonly RevisionFacts[]): Operation[] {
  const { context, slots } = bench;
  const obstacles = obstaclesOf(bench);
  const missing = slots.vacancies.flatMap((vacancy, index) => {
    const revision = revisions[index];
    return revision === undefined ? [] : [planRun(bench, revision, vacancy, obstacles)];
  });
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

/** What must go before instances can start: anywhere, and on single nodes. */
interface Obstacles {
  readonly everywhere: string | undefined;
  readonly onNode: ReadonlyMap<string, string>;
}

function obstaclesOf({ context, terminating, alive }: Workbench): Obstacles {
  const { settings } = context.input;
  const { goal } = context;
  const going = terminating.filter(({ reachable }) => reachable);
  const before =
    settings.type === 'Recreate'
      ? [...alive.filter((instance) => !context.isAcceptable(instance)), ...going][0]
      : undefined;
  const onNode = new Map<string, string>();
  for (const instance of going) {
    if (goal === undefined || onNode.has(instance.node)) continue;
    if (orderFor(context, instance, goal).order === 'stop-first')
      onNode.set(instance.node, instance.name);
  }
  return { everywhere: before?.name, onNode };
}

function planRun(
  bench: Workbench,
  revision: RevisionFacts,
  { node: wantedNode, reason }: Vacancy,
  obstacles: Obstacles,
): Operation {
  const node = wantedNode ?? bench.pickNode(revision);
  const base = { op: 'run', node: node ?? '', revision: revision.hash } as const;
  const waits = (why: string): Operation => ({
    ...base,
    step: 'wait',
    state: 'Waiting',
    reasons: [reason, why],
  });
  if (node === undefined) return waits(bench.placement.problem);
  const going = obstacles.everywhere ?? obstacles.onNode.get(node);
  const isWhole = bench.context.input.whole === true;
  if (going !== undefined && !isWhole) return waits(`waits until ${going} is gone`);
  const obstacle = bench.obstacleOn(node, revision);
  if (obstacle !== undefined) return waits(obstacle);
  bench.occupy(node, revision);
  return { ...base, step: 'create', state: 'InProgress', reasons: [reason] };
}

/** What becomes of instances that ended and stay for a while: those that no other stands in for are run again, the others only go. */
export function restingOperations(
  { context, slots }: Workbench,
  resting: readonly Instance[],
): Operation[] {
  const { mode, replicas } = context.input.settings;
  let missing = Math.max(0, replicas - slots.held.length);
  const served = new Set(slots.held.map(({ instance }) => instance.node));
  const isMissed = ({ node }: Instance): boolean => {
    if (mode === 'Global') return !served.has(node) && Boolean(served.add(node));
    missing -= 1;
    return missing >= 0;
  };
  return resting.map((instance): Operation => {
    const { node, name, uid, trouble } = instance;
    const base = { node, pod: name, step: 'wait', state: 'Waiting' } as const;
    const reasons = [`${name}: ${trouble}`];
    return isMissed(instance)
      ? { ...base, op: 'run', revision: context.goal?.hash ?? '', reasons }
      : { ...base, op: 'remove', uid, force: false, reasons };
  });
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
