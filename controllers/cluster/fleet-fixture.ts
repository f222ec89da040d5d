// A fleet in simulated time: the real reconciler, an API in memory, machines that take their time and have faults. Nothing in it waits;
// the same seed is the same story. The witness looks after every single write, whoever made it.
import type { Clock } from '#platform/clock.ts';
import { PERMIT_ANNOTATION, rolloutPermit } from '../machine/rollout-permit.ts';
import { CORDONED_BY_ANNOTATION } from '../machinery/cordon.ts';
import { isConflict } from '../machinery/request-error.ts';
import { CLUSTERS, MACHINES } from '../machinery/resources.ts';
import { CrashError, MemoryApi } from './memory-api-fixture.ts';
import type { NodeView } from './observed.ts';
import { ClusterReconciler } from './reconciler.ts';
import type { ReconcilerOptions } from './reconciler.ts';
import { SimulatedMachine } from './simulated-machine-fixture.ts';
import type { Durations, Faults } from './simulated-machine-fixture.ts';
import { CLUSTER_LABEL, CLUSTER_UID_LABEL } from './types.ts';
import type { Cluster, ClusterSpec, Machine, PowerState } from './types.ts';

export const DURATIONS: Durations = {
  joinMs: 20_000,
  drainMs: 10_000,
  switchMs: 30_000,
  removeMs: 10_000,
  powerMs: 5_000,
};

export interface FleetOptions {
  readonly durations?: (machine: string) => Durations;
  readonly faults?: Readonly<Record<string, Faults>>;
  /** Whole number below; for faults. Absent: no controller dies and no cache is late. */
  readonly random?: (below: number) => number;
  readonly options?: Partial<ReconcilerOptions>;
}

export interface Sample {
  readonly now: number;
  /** Workers that were there once and do not serve. */
  readonly workersAway: readonly string[];
  readonly controllersServing: number;
  readonly controllers: number;
}

const SIGNAL = new AbortController().signal;
const NAMESPACE = 'default';
let fleets = 0;

export class Fleet {
  readonly id = `fleet ${(fleets += 1)}`;
  readonly api = new MemoryApi();
  readonly machines = new Map<string, SimulatedMachine>();
  readonly events: string[] = [];
  readonly samples: Sample[] = [];
  /** Of the Artifacts that all of its pools name. */
  content = '';
  /** Machines that were members once, with their role. */
  readonly #joined = new Map<string, boolean>();
  readonly #options: FleetOptions;
  readonly #clock: Clock;
  #reconciler: ClusterReconciler;
  #late: readonly Machine[] | undefined;
  #isCalm = false;
  now = 1_000_000;
  crashes = 0;

  constructor(spec: ClusterSpec, options: FleetOptions = {}) {
    this.#options = options;
    this.#clock = {
      now: () => this.now,
      monotonic: () => this.now,
      schedule: () => () => undefined,
    };
    this.api.create(CLUSTERS, NAMESPACE, { metadata: { name: 'c' }, spec });
    this.#reconciler = this.#newReconciler();
    this.api.onWrite(() => this.#witness());
  }

  get cluster(): Cluster {
    const [cluster] = this.api.list<Cluster>(CLUSTERS, NAMESPACE).items;
    if (cluster === undefined) throw new Error('the cluster is gone');
    return cluster;
  }

  get isGone(): boolean {
    return this.api.list(CLUSTERS, NAMESPACE).items.length === 0;
  }

  get all(): readonly Machine[] {
    return this.api.list<Machine>(MACHINES, NAMESPACE).items;
  }

  machine(name: string): SimulatedMachine {
    const machine = this.machines.get(name);
    if (machine === undefined) throw new Error(`no machine ${name}`);
    return machine;
  }

  condition(type: string): string {
    const found = this.cluster.status?.conditions?.find((condition) => condition.type === type);
    return found === undefined ? '' : `${found.status} ${found.reason}: ${found.message}`;
  }

  /** Changes fields of the spec, as a user does. */
  async change(spec: Partial<Record<keyof ClusterSpec, unknown>>): Promise<void> {
    await this.api.client('user').patch(CLUSTERS, NAMESPACE, 'c', '', 'merge', { spec }, SIGNAL);
  }

  async delete(): Promise<void> {
    await this.api.client('user').delete(CLUSTERS, NAMESPACE, 'c', {}, SIGNAL);
  }

  /** What happened so far is not asked for any more. */
  forget(): void {
    this.samples.length = 0;
    this.events.length = 0;
    for (const machine of this.machines.values()) machine.disruptions = 0;
  }

  async switchMachine(name: string, powerState: PowerState): Promise<void> {
    const machine = this.all.find(({ metadata }) => metadata.name === name);
    const key = machine && rolloutPermit(machine).key;
    const metadata = { annotations: { [PERMIT_ANNOTATION]: key } };
    const patch = { metadata, spec: { powerState } };
    await this.api.client('user').patch(MACHINES, NAMESPACE, name, '', 'merge', patch, SIGNAL);
  }

  /** One with the label of a cluster whose name begins like ours. */
  addForeignMachine(name: string): void {
    const labels = { [CLUSTER_LABEL]: 'c', [CLUSTER_UID_LABEL]: 'of another time' };
    this.api.create(MACHINES, NAMESPACE, { metadata: { name, labels }, spec: { role: 'worker' } });
  }

  /** Until nothing happens any more by itself. @throws Error when that takes longer than anything should */
  async settle(until?: () => boolean): Promise<void> {
    for (let round = 0; round < 50_000; round += 1) {
      if (until?.() === true) return;
      const before = `${this.api.version} ${this.crashes}`;
      await this.#control();
      if (this.isGone) return;
      for (const machine of this.all) await this.#machineOf(machine).act(machine, this.now);
      if (`${this.api.version} ${this.crashes}` !== before) continue;
      const due = this.#nextDue();
      if (due === undefined) {
        // A cache that was late may have hidden something.
        if (this.#late !== undefined) {
          this.#late = undefined;
          continue;
        }
        return;
      }
      this.now = Math.max(this.now, due);
    }
    throw new Error(`no end: ${JSON.stringify(this.cluster.status?.conditions)}`);
  }

  /** Anew, from nothing but the API: as after kill -9. */
  restart(): void {
    this.#reconciler = this.#newReconciler();
  }

  /** From here on nobody dies and no cache is late. */
  calm(): void {
    this.#isCalm = true;
    this.#late = undefined;
    this.restart();
  }

  async reconcile(): Promise<void> {
    await this.#reconciler.reconcile(
      this.cluster,
      { machines: this.#late ?? this.all, nodes: (name) => this.#node(name) },
      SIGNAL,
    );
  }

  async #control(): Promise<void> {
    const { random } = this.#options;
    // A cache that is late by some writes.
    if (random !== undefined && random(3) !== 0) this.#late ??= this.all;
    else this.#late = undefined;
    try {
      await this.reconcile();
    } catch (error) {
      if (error instanceof CrashError) {
        this.crashes += 1;
        this.restart();
      } else if (!isConflict(error)) throw error;
    }
  }

  #newReconciler(): ClusterReconciler {
    const { random, options = {} } = this.#options;
    const crash =
      random === undefined || this.#isCalm || random(3) === 0
        ? undefined
        : { writesLeft: random(12), afterWrite: random(2) === 0 };
    return new ClusterReconciler({
      ...options,
      client: this.api.client('controller', crash),
      clock: this.#clock,
      events: {
        record: (_resource, _object, _type, reason, message) =>
          void this.events.push(`${reason} ${message}`),
      },
    });
  }

  #machineOf({ metadata }: Machine): SimulatedMachine {
    const { name } = metadata;
    const known = this.machines.get(name);
    if (known !== undefined) return known;
    const { durations = () => DURATIONS, faults = {} } = this.#options;
    const made = new SimulatedMachine(
      name,
      this.api.client(name),
      durations(name),
      faults[name],
      () => this.content,
    );
    this.machines.set(name, made);
    return made;
  }

  #node(name: string): NodeView | undefined {
    const machine = this.machines.get(name);
    if (machine === undefined || !this.#joined.has(name)) return undefined;
    return {
      metadata: {
        name,
        uid: name,
        resourceVersion: '1',
        creationTimestamp: '',
        annotations: machine.isCordoned ? { [CORDONED_BY_ANNOTATION]: `machine/${name}` } : {},
      },
      spec: { unschedulable: machine.isCordoned },
      status: { conditions: [{ type: 'Ready', status: machine.isDown ? 'Unknown' : 'True' }] },
    };
  }

  #nextDue(): number | undefined {
    const dues = this.all.flatMap((machine) => this.#machineOf(machine).due ?? []);
    return dues.length === 0 ? undefined : Math.min(...dues);
  }

  #witness(): void {
    const serving = new Set<string>();
    const now = this.all;
    for (const machine of now) {
      const { name } = machine.metadata;
      if (machine.status?.phase === 'Ready') this.#joined.set(name, machine.spec.role !== 'worker');
      if (this.machines.get(name)?.isServing(machine) === true) serving.add(name);
    }
    const there = new Set(now.map(({ metadata }) => metadata.name));
    for (const name of this.machines.keys())
      if (!there.has(name)) {
        this.#joined.delete(name);
        this.machines.delete(name);
      }
    const joined = [...this.#joined];
    this.samples.push({
      now: this.now,
      workersAway: joined.flatMap(([name, isController]) =>
        !isController && !serving.has(name) ? [name] : [],
      ),
      controllersServing: joined.filter(([name, isController]) => isController && serving.has(name))
        .length,
      controllers: joined.filter(([, isController]) => isController).length,
    });
  }
}
