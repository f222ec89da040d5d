// Carries out what a rollout decided: writes Machines, each only on top of what was decided on. What a crash leaves undone is decided
// again, so the order matters in one way only: permits are taken away before others are given.
import type { Client } from '../machinery/client-types.ts';
import { PERMIT_ANNOTATION, rolloutPermit, TARGET_ANNOTATION } from '../machine/rollout-permit.ts';
import { isNotFound } from '../machinery/request-error.ts';
import { MACHINES } from '../machinery/resources.ts';
import { changedMachine, newMachine } from './build-machine.ts';
import type { MachineChange } from './build-machine.ts';
import { observeMachine } from './observed.ts';
import type { PlanInput, RolloutDecision, RolloutStep } from './plan-types.ts';
import { DRAIN_ANNOTATION, OPERATION_ANNOTATION } from './types.ts';
import type { Cluster, Machine, PowerState } from './types.ts';

export interface ApplyContext {
  readonly client: Client;
  readonly cluster: Cluster;
  readonly input: PlanInput;
  /** As they were decided on. */
  readonly machines: ReadonlyMap<string, Machine>;
  /** Version that new machines get where the cluster names none. */
  readonly version: string | undefined;
  readonly tell: (step: RolloutStep) => void;
  readonly signal: AbortSignal;
}

/** @throws the first error, after everything else was tried */
export async function applySteps(decision: RolloutDecision, given: ApplyContext): Promise<void> {
  // One Machine may be written to more than once: each time on top of what we wrote before.
  const machines = new Map(given.machines);
  const context = { ...given, machines };
  for (const name of decision.revoked) {
    const machine = machines.get(name);
    // The next permits count on this one being gone.
    if (machine !== undefined)
      machines.set(name, await annotate(machine, { [PERMIT_ANNOTATION]: null }, context));
  }
  const problems: unknown[] = [];
  const attempt = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      problems.push(error);
    }
  };
  for (const name of decision.retried) {
    const machine = machines.get(name);
    if (machine === undefined) continue;
    await attempt(async () => void machines.set(name, await retry(machine, context)));
  }
  for (const step of decision.steps) await attempt(() => applyStep(step, context));
  if (problems.length > 0) throw problems[0];
}

async function applyStep(step: RolloutStep, context: ApplyContext): Promise<void> {
  const { client, machines, signal, cluster } = context;
  const { item } = step;
  const machine = machines.get(item.machine);
  const namespace = cluster.metadata.namespace ?? '';
  switch (item.action) {
    case 'create':
      if (machine === undefined) {
        const object = newMachine(changeFor(item.machine, context), step.permit);
        context.tell(step);
        await client.create(MACHINES, namespace, object, signal);
      } else await change(machine, step, context);
      return;
    case 'update':
    case 'repair':
    case 'configure':
      if (machine !== undefined) await change(machine, step, context);
      return;
    case 'recreate':
    case 'delete':
      if (machine === undefined) return;
      context.tell(step);
      await remove(client, machine, signal);
      return;
    case 'start':
    case 'stop':
      if (machine !== undefined)
        await switchPower(machine, item.action === 'start' ? 'Running' : 'Stopped', step, context);
  }
}

/** Deletes this very Machine; its finalizer undoes what it stands for. */
export async function remove(client: Client, machine: Machine, signal: AbortSignal): Promise<void> {
  const { name, namespace = '', uid } = machine.metadata;
  try {
    await client.delete(
      MACHINES,
      namespace,
      name,
      { uid, propagationPolicy: 'Background' },
      signal,
    );
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Gives it what it is to become, where it has not, and then the permit for exactly that. */
async function change(machine: Machine, step: RolloutStep, context: ApplyContext): Promise<void> {
  let current = machine;
  if (machine.metadata.annotations?.[TARGET_ANNOTATION] !== step.item.target) {
    context.tell(step);
    const { applied } = observeMachine(machine, undefined);
    const changed = changedMachine(machine, applied, changeFor(step.item.machine, context));
    current = await context.client.update(MACHINES, changed, '', context.signal);
  }
  if (step.permit) await permit(current, context);
}

async function switchPower(
  machine: Machine,
  powerState: PowerState,
  step: RolloutStep,
  context: ApplyContext,
): Promise<void> {
  context.tell(step);
  const changed = { ...machine, spec: { ...machine.spec, powerState } };
  await permit(await context.client.update(MACHINES, changed, '', context.signal), context);
}

async function permit(machine: Machine, context: ApplyContext): Promise<void> {
  const { isGiven, key } = rolloutPermit(machine);
  if (!isGiven) await annotate(machine, { [PERMIT_ANNOTATION]: key, ...drainOf(context) }, context);
}

function retry(machine: Machine, context: ApplyContext): Promise<Machine> {
  const { retryToken = '' } = context.input.settings;
  const operation = `${context.cluster.metadata.uid}-${retryToken}/Retry`;
  return annotate(machine, { [OPERATION_ANNOTATION]: operation, ...drainOf(context) }, context);
}

/** As it is wanted now: it is no part of what a machine becomes. */
function drainOf({ input }: ApplyContext): Readonly<Record<string, string>> {
  return { [DRAIN_ANNOTATION]: JSON.stringify(input.settings.drain) };
}

/** Only on top of what was decided on: a Machine that began something meanwhile is decided on anew. */
async function annotate(
  machine: Machine,
  annotations: Readonly<Record<string, string | null>>,
  { client, signal }: ApplyContext,
): Promise<Machine> {
  const { name, namespace = '', resourceVersion } = machine.metadata;
  const patch = { metadata: { resourceVersion, annotations } };
  return client.patch<Machine>(MACHINES, namespace, name, '', 'merge', patch, signal);
}

function changeFor(name: string, { cluster, input, version }: ApplyContext): MachineChange {
  const wanted = input.wanted.find((machine) => machine.name === name);
  if (wanted === undefined)
    throw new Error(`No pool of ${cluster.metadata.name} describes ${name}`);
  const own = input.observed.find((machine) => machine.name === name)?.version;
  return {
    cluster,
    settings: input.settings,
    wanted,
    target: input.targets.get(name) ?? '',
    // Without a version in the spec nothing is upgraded.
    version: input.settings.version ?? own ?? version,
  };
}
