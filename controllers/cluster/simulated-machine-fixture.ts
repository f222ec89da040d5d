// A Machine that does what the Machine controller would, in simulated time: joins and changes when it may, drains first, goes back when
// the new version does not start, and has the faults that it is given.
import type { Client } from '../machinery/client-types.ts';
import type { Condition } from '../machinery/conditions.ts';
import { specHash } from '../machine/machine-goal.ts';
import { rolloutPermit, TARGET_ANNOTATION } from '../machine/rollout-permit.ts';
import { MACHINES } from '../machinery/resources.ts';
import { OPERATION_ANNOTATION } from './types.ts';
import type { Machine, MachineStatus } from './types.ts';

export interface Durations {
  readonly joinMs: number;
  readonly drainMs: number;
  readonly switchMs: number;
  readonly removeMs: number;
  readonly powerMs: number;
}

/** What goes wrong, by attempt: the first element is of the first attempt. */
export interface Faults {
  readonly drain?: readonly boolean[];
  readonly start?: readonly boolean[];
}

/** What it is doing; kept by the machine itself, as a disk would. */
type Activity =
  | { readonly name: 'idle' }
  | {
      readonly name: 'joining' | 'draining' | 'switching' | 'removing' | 'switching power';
      readonly until: number;
    };

export const MACHINE_FINALIZER = 'windlass.dev/machines';

export class SimulatedMachine {
  readonly name: string;
  readonly #client: Client;
  readonly #durations: Durations;
  readonly #faults: Faults;
  /** What its Artifacts hold now. */
  readonly #wanted: () => string;
  /** What it works with, and what it is being given. */
  content: string;
  #taken: string;
  #activity: Activity = { name: 'idle' };
  #drains = 0;
  #starts = 0;
  isCordoned = false;
  isDown = false;
  /** Times its node was taken out of service by us. */
  disruptions = 0;

  constructor(
    name: string,
    client: Client,
    durations: Durations,
    faults: Faults = {},
    wanted: () => string = () => '',
  ) {
    this.name = name;
    this.#wanted = wanted;
    this.content = wanted();
    this.#taken = this.content;
    this.#client = client;
    this.#durations = durations;
    this.#faults = faults;
  }

  /** When it does something by itself; undefined when nothing is under way. */
  get due(): number | undefined {
    return this.isDown || this.#activity.name === 'idle' ? undefined : this.#activity.until;
  }

  /** Whether it could serve: what an observer of the node would say. */
  isServing({ status }: Machine): boolean {
    return (
      !this.isDown &&
      status?.phase === 'Ready' &&
      !this.isCordoned &&
      this.#activity.name !== 'switching' &&
      this.#activity.name !== 'draining' &&
      this.#activity.name !== 'removing'
    );
  }

  async act(machine: Machine, now: number): Promise<void> {
    const { metadata, spec, status = {} } = machine;
    if (this.isDown) {
      if (isTrue(status, 'Reachable') !== false)
        await this.#say(
          machine,
          {},
          ['Reachable', false, 'Unreachable'],
          ['NodeReady', false, 'Unreachable'],
        );
      return;
    }
    if (isTrue(status, 'Reachable') === false) {
      const isReady = status.phase === 'Ready';
      await this.#say(
        machine,
        {},
        ['Reachable', true, 'Reachable'],
        ['NodeReady', isReady, 'Seen'],
      );
      return;
    }
    if (metadata.deletionTimestamp !== undefined) return this.#remove(machine, now);
    if ((metadata.finalizers ?? []).length === 0) {
      const patch = { metadata: { finalizers: [MACHINE_FINALIZER] } };
      await this.#client.patch(
        MACHINES,
        metadata.namespace ?? '',
        this.name,
        '',
        'merge',
        patch,
        NEVER,
      );
      return;
    }
    const { generation = 1, annotations = {} } = metadata;
    const key = annotations[TARGET_ANNOTATION] ?? '';
    const permit = rolloutPermit(machine);
    const wantsStopped = spec.powerState === 'Stopped';
    if (this.#activity.name === 'switching power') {
      if (now < this.#activity.until) return;
      this.#activity = { name: 'idle' };
      await this.#say(machine, { phase: wantsStopped ? 'Stopped' : 'Ready' }, [
        'NodeReady',
        !wantsStopped,
        'Power',
      ]);
      return;
    }
    if (this.#activity.name === 'joining') {
      if (now < this.#activity.until) return;
      this.#activity = { name: 'idle' };
      await this.#arrive(machine);
      return;
    }
    if (this.#activity.name === 'draining') return this.#drained(machine, now);
    if (this.#activity.name === 'switching') return this.#switched(machine, now);
    const asked = annotations[OPERATION_ANNOTATION];
    const uid = asked?.replace(/\/Retry$/, '');
    if (uid !== undefined && status.operation?.uid !== uid) {
      await this.#say(
        machine,
        { operation: { uid, phase: 'Complete' } },
        ['Drained', false, 'WaitingForBudget'],
        ['RolledBack', false, 'Retried'],
      );
      return;
    }
    if (status.phase === undefined) {
      if (!permit.isGiven) return;
      this.#taken = this.#wanted();
      this.#activity = { name: 'joining', until: now + this.#durations.joinMs };
      return;
    }
    const isOff = status.phase === 'Stopped';
    if (wantsStopped !== isOff) {
      if (!permit.isGiven) return;
      this.disruptions += 1;
      this.#activity = { name: 'switching power', until: now + this.#durations.powerMs };
      if (wantsStopped)
        await this.#say(machine, { phase: 'Joining' }, ['NodeReady', false, 'Power']);
      return;
    }
    const contentHash = this.#wanted();
    const isThere =
      status.goalHash === key &&
      status.observedGeneration === generation &&
      this.content === contentHash;
    const hasGivenUp =
      status.observedGeneration === generation &&
      (status.contentHash ?? '') === contentHash &&
      (isTrue(status, 'RolledBack') === true || reasonOf(status, 'Drained') === 'DrainTimeout');
    if (isThere || isOff || hasGivenUp) return;
    // It is given for what was said.
    const isSaid = !permit.isReached || (status.contentHash ?? '') === contentHash;
    if (!permit.isGiven || !isSaid) {
      if (
        reasonOf(status, 'Drained') !== 'WaitingForBudget' ||
        status.observedGeneration !== generation ||
        (status.contentHash ?? '') !== contentHash
      )
        await this.#say(
          machine,
          { contentHash },
          ['UpToDate', false, 'Outdated'],
          ['Drained', false, 'WaitingForBudget'],
          ['RolledBack', false, 'NewGoal'],
        );
      return;
    }
    this.isCordoned = true;
    this.disruptions += 1;
    this.#drains += 1;
    this.#taken = contentHash;
    this.#activity = { name: 'draining', until: now + this.#durations.drainMs };
    await this.#say(
      machine,
      { contentHash },
      ['UpToDate', false, 'Outdated'],
      ['Drained', false, 'Draining'],
      ['RolledBack', false, 'NewGoal'],
    );
  }

  async #drained(machine: Machine, now: number): Promise<void> {
    if (this.#activity.name === 'draining' && now < this.#activity.until) return;
    if (this.#faults.drain?.[this.#drains - 1] === true) {
      this.#activity = { name: 'idle' };
      this.isCordoned = false;
      await this.#say(machine, {}, ['Drained', false, 'DrainTimeout']);
      return;
    }
    this.#starts += 1;
    this.#activity = { name: 'switching', until: now + this.#durations.switchMs };
    await this.#say(
      machine,
      { phase: 'Joining' },
      ['Drained', true, 'Drained'],
      ['NodeReady', false, 'Starting'],
    );
  }

  async #switched(machine: Machine, now: number): Promise<void> {
    if (this.#activity.name === 'switching' && now < this.#activity.until) return;
    this.#activity = { name: 'idle' };
    this.isCordoned = false;
    if (this.#faults.start?.[this.#starts - 1] === true)
      await this.#say(
        machine,
        { phase: 'Ready' },
        ['NodeReady', true, 'Back'],
        ['RolledBack', true, 'StartFailed'],
      );
    else await this.#arrive(machine);
  }

  async #arrive(machine: Machine): Promise<void> {
    const { spec, metadata } = machine;
    this.content = this.#taken;
    await this.#say(
      machine,
      {
        phase: 'Ready',
        contentHash: this.content,
        nodeRef: { name: this.name },
        goalHash: metadata.annotations?.[TARGET_ANNOTATION] ?? '',
        specHash: specHash(spec),
        ...(spec.version === undefined ? {} : { runningVersion: spec.version }),
      },
      ['NodeReady', true, 'Ready'],
      ['UpToDate', true, 'UpToDate'],
      ['Drained', true, 'Done'],
    );
  }

  async #remove(machine: Machine, now: number): Promise<void> {
    if (this.#activity.name !== 'removing') {
      this.isCordoned = true;
      this.disruptions += 1;
      this.#activity = { name: 'removing', until: now + this.#durations.removeMs };
      return;
    }
    if (now < this.#activity.until) return;
    const { namespace = '' } = machine.metadata;
    await this.#client.patch(
      MACHINES,
      namespace,
      this.name,
      '',
      'merge',
      { metadata: { finalizers: [] } },
      NEVER,
    );
  }

  async #say(
    machine: Machine,
    change: Partial<MachineStatus>,
    ...told: readonly (readonly [type: string, status: boolean, reason: string])[]
  ): Promise<void> {
    const { metadata, status = {} } = machine;
    const conditions: Condition[] = [...(status.conditions ?? [])];
    for (const [type, is, reason] of told) {
      const index = conditions.findIndex((condition) => condition.type === type);
      const condition = {
        type,
        status: is ? 'True' : 'False',
        reason,
        message: `${this.name}: ${reason}`,
        lastTransitionTime: '',
      } as const;
      if (index < 0) conditions.push(condition);
      else conditions[index] = condition;
    }
    const patch = {
      status: { ...change, observedGeneration: metadata.generation ?? 1, conditions },
    };
    await this.#client.patch(
      MACHINES,
      metadata.namespace ?? '',
      this.name,
      'status',
      'merge',
      patch,
      NEVER,
    );
  }
}

const NEVER = new AbortController().signal;

function isTrue({ conditions }: MachineStatus, type: string): boolean | undefined {
  const condition = conditions?.find((one) => one.type === type);
  return condition === undefined ? undefined : condition.status === 'True';
}

function reasonOf({ conditions }: MachineStatus, type: string): string | undefined {
  return conditions?.find((one) => one.type === type)?.reason;
}
