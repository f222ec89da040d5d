// Wires the Machine controller: what it watches, what wakes it, and what it works with.
import { join } from 'node:path';
import { keyOf, parseKey } from '../machinery/cache.ts';
import type { CacheView } from '../machinery/cache.ts';
import type { ApiObject } from '../machinery/client-types.ts';
import type { Condition } from '../machinery/conditions.ts';
import { Controller, DONE } from '../machinery/controller.ts';
import type { ReconcileResult } from '../machinery/controller.ts';
import type { EventRecorder } from '../machinery/events.ts';
import type { Manager } from '../machinery/manager.ts';
import { isNotFound } from '../machinery/request-error.ts';
import { ARTIFACTS, CLUSTERS, MACHINES, NODES } from '../machinery/resources.ts';
import { countPhases } from '../machinery/phase-metrics.ts';
import type { HostArtifacts } from '../binaries/host-artifact.ts';
import type { ArtifactFetcher } from '../binaries/artifact-fetcher.ts';
import type { HostDriver } from '../hosts/host-driver.ts';
import { limitedHost, unlimited } from '../hosts/work-limits.ts';
import type { DeclaredLimits, LimitGroups, WorkLimits } from '../hosts/work-limits.ts';
import type { ProvidedHosts } from '../infra-provider/provided-host.ts';
import { findLogins } from '../registry/logins.ts';
import type { LoginsOptions } from '../registry/logins.ts';
import type { FleetMember } from '../rootfs/fleet-checks.ts';
import { imageOpener } from '../rootfs/open-image.ts';
import { ContentWatch } from './content-watch.ts';
import { HostWork } from './host-work.ts';
import { artifactsOf } from './machine-content.ts';
import { MachineDrain } from './machine-drain.ts';
import { MachineStore } from './machine-store.ts';
import type { OpenMachineHost } from './open-machine-host.ts';
import { readyProbe } from './ready-probe.ts';
import { reconcileMachine } from './reconcile-machine.ts';
import { isNodeReady } from './node-answer.ts';
import type { ReadyNode } from './node-answer.ts';
import { isDistributionDriven } from './rollout-permit.ts';
import type { Machine } from './types.ts';

/** As much of an Artifact as a machine is woken for. */
interface ArtifactView extends ApiObject {
  readonly status?: {
    readonly digest?: string;
    readonly observedGeneration?: number;
    readonly conditions?: readonly Condition[];
  };
}

interface ClusterView extends ApiObject {
  readonly spec?: { readonly concurrency?: DeclaredLimits };
}

export interface MachineControllerOptions {
  readonly openHost: OpenMachineHost;
  readonly hosts: ProvidedHosts;
  readonly artifacts: HostArtifacts;
  /** For what roots are made of. */
  readonly fetcher: ArtifactFetcher;
  /** Of this machine, for what is on its way to hosts. */
  readonly workFolder: string;
  /** Of Clusters. */
  readonly limits: LimitGroups;
  readonly registries?: Pick<LoginsOptions, 'dockerFolder' | 'environment'>;
  /** How often a settled machine is compared with its goal; 5 min by default. */
  readonly driftEveryMs?: number;
  /** How long a service must run to count as running; 3 s by default. */
  readonly stableMs?: number;
}

const DRIFT_MS = 300_000;
const STABLE_MS = 3_000;
/** Machines worked on at the same time. */
const OPERATIONS = 30;
const WAITS_FOR_TURN: ReconcileResult = { outcome: 'requeueAfter', delayMs: 500 };

export function addMachineController(manager: Manager, options: MachineControllerOptions): void {
  manager.add(new MachineController(manager, options).loop);
}

class MachineController {
  readonly loop: Controller;
  readonly #manager: Manager;
  readonly #options: MachineControllerOptions;
  readonly #machines: CacheView<Machine>;
  readonly #nodes: CacheView<ReadyNode>;
  readonly #events: EventRecorder;
  /** When each was compared with its goal, on the monotonic clock. */
  readonly #looked = new Map<string, number>();
  readonly #nodeDrain: MachineDrain;
  readonly #content: ContentWatch;
  readonly #clusters: CacheView<ClusterView>;

  constructor(manager: Manager, options: MachineControllerOptions) {
    this.#manager = manager;
    this.#options = options;
    const { clock, metrics, logger, random } = manager;
    const machines = manager.informer<Machine>(MACHINES);
    const nodes = manager.informer<ReadyNode>(NODES);
    this.#machines = machines.cache;
    this.#nodes = nodes.cache;
    this.#clusters = manager.informer<ClusterView>(CLUSTERS).cache;
    this.#events = manager.recorder('windlass-machine-controller');
    this.#nodeDrain = new MachineDrain(manager.client, clock);
    this.#content = new ContentWatch(options.artifacts);
    this.loop = new Controller({
      name: 'machine',
      reconcile: (key, signal) => this.#reconcile(key, signal),
      waitFor: [machines, nodes],
      concurrency: OPERATIONS,
      clock,
      metrics,
      logger,
      random,
    });
    countPhases(metrics, {
      name: 'windlass_machines',
      help: '[ALPHA] Machines by phase.',
      phases: () => machines.cache.list().map(({ status }) => status?.phase ?? ''),
    });
    machines.onChange((change) => {
      // Its own writes need no answer.
      if (change.type === 'Updated' && wordsOf(change.previous) === wordsOf(change.object)) return;
      if (change.type === 'Deleted') {
        this.#looked.delete(keyOf(change.object));
        this.#content.forget(keyOf(change.object));
      }
      this.loop.queue.add(keyOf(change.object));
    });
    manager.informer<ArtifactView>(ARTIFACTS).onChange((change) => {
      const { type, object } = change;
      if (type === 'Updated' && artifactWords(change.previous) === artifactWords(object)) return;
      for (const machine of this.#machines.list(object.metadata.namespace))
        if (artifactsOf(machine.spec).includes(object.metadata.name)) {
          this.#content.note(keyOf(machine));
          this.loop.queue.add(keyOf(machine));
        }
    });
    nodes.onChange((change) => {
      if (change.type === 'Updated' && nodeWords(change.previous) === nodeWords(change.object))
        return;
      const { name } = change.object.metadata;
      for (const machine of this.#machines.list())
        if (machine.metadata.name === name) this.loop.queue.add(keyOf(machine));
    });
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { client, clock } = this.#manager;
    const { namespace, name } = parseKey(key);
    const cached = this.#machines.get(namespace, name);
    if (cached === undefined || isDistributionDriven(cached)) return DONE;
    let machine: Machine;
    try {
      // What is done next depends on what was done last: the cache may be behind that.
      machine = await client.get<Machine>(MACHINES, namespace, name, signal);
    } catch (error) {
      if (isNotFound(error)) return DONE;
      throw error;
    }
    const driftEveryMs = this.#options.driftEveryMs ?? DRIFT_MS;
    const limits = this.#limitsOf(machine);
    const work = (): Promise<ReconcileResult> =>
      reconcileMachine(
        {
          client,
          clock,
          store: new MachineStore(client, clock, machine),
          openHost: this.#options.openHost,
          hosts: this.#options.hosts,
          nodes: this.#nodeDrain,
          workOn: (each, host) => this.#workOn(each, host, limits),
          newest: () => this.#newest(machine),
          node: () => this.#nodes.get('', name),
          isDriftDue: () => this.#isDriftDue(key, driftEveryMs),
          changedContent: (isDriftDue, until) =>
            this.#content.changeOf(key, machine, isDriftDue, until),
          driftEveryMs,
          tell: (type, reason, message) =>
            this.#events.record(MACHINES, machine, type, reason, message),
        },
        signal,
      );
    // Whoever has no turn keeps none of the workers that others could use.
    return (await limits.operations.tryRun(work)) ?? WAITS_FOR_TURN;
  }

  /** What its Cluster declares; those that nobody knows yet are the usual ones. */
  #limitsOf({ metadata, spec }: Machine): WorkLimits {
    if (spec.clusterRef === undefined) return unlimited;
    const { namespace = '' } = metadata;
    const { name } = spec.clusterRef;
    const declared = this.#clusters.get(namespace, name)?.spec?.concurrency ?? {};
    return this.#options.limits.of(`${namespace}/${name}`, declared);
  }

  /** The cache's word where it is ahead of what was read. */
  #newest(machine: Machine): Machine | undefined {
    const { namespace = '', name, uid } = machine.metadata;
    const cached = this.#machines.get(namespace, name);
    if (cached?.metadata.uid !== uid) return machine;
    return (cached.metadata.generation ?? 0) >= (machine.metadata.generation ?? 0)
      ? cached
      : machine;
  }

  #isDriftDue(key: string, everyMs: number): boolean {
    const { clock, random } = this.#manager;
    const now = clock.monotonic();
    const last = this.#looked.get(key);
    if (last === undefined) {
      // After a start not all at once.
      this.#looked.set(key, now - random() * everyMs);
      return false;
    }
    if (now - last < everyMs) return false;
    this.#looked.set(key, now);
    return true;
  }

  #workOn(machine: Machine, host: HostDriver, limits: WorkLimits): HostWork {
    const { client, clock, ids, logger } = this.#manager;
    const { workFolder, fetcher, artifacts, registries, stableMs = STABLE_MS } = this.#options;
    const { namespace = '' } = machine.metadata;
    const images = imageOpener({
      clock,
      ids,
      fetcher,
      workFolder: join(workFolder, 'images'),
      logins: async (reference, signal) =>
        registries === undefined
          ? []
          : findLogins(
              { ...registries, client, clock, logger },
              reference,
              { namespace, names: [] },
              signal,
            ),
    });
    return new HostWork(machine, {
      client,
      clock,
      ids,
      host: limitedHost(host, limits),
      limits,
      fetcher,
      images,
      artifacts,
      probe: readyProbe(clock),
      nodes: this.#nodeDrain,
      workFolder: join(workFolder, 'roots'),
      fleet: () => this.#fleetOf(machine),
      stableMs,
    });
  }

  #fleetOf(machine: Machine): readonly FleetMember[] {
    const cluster = machine.spec.clusterRef?.name;
    const { namespace, uid } = machine.metadata;
    return this.#machines.list().flatMap(({ metadata, spec, status }) => {
      const isOther = metadata.namespace === namespace && metadata.uid !== uid;
      if (!isOther || spec.clusterRef?.name !== cluster || status?.facts === undefined) return [];
      const { hostname, machineId, clockOffsetMillis } = status.facts;
      return [{ machine: metadata.name, hostname, machineId, clockOffsetMillis }];
    });
  }
}

/** Everything of a Machine that somebody else decides. */
function wordsOf({ metadata }: Machine): string {
  const { generation, annotations, deletionTimestamp, labels } = metadata;
  return JSON.stringify([generation, annotations, deletionTimestamp, labels]);
}

/** What decides about what an Artifact holds, and whether that is known. */
function artifactWords({ metadata, status = {} }: ArtifactView): string {
  const { digest, observedGeneration, conditions = [] } = status;
  const states = conditions.map(({ type, status: is }) => [type, is]);
  return JSON.stringify([metadata.generation, digest, observedGeneration, states]);
}

function nodeWords(node: ReadyNode): string {
  return `${isNodeReady(node)} ${JSON.stringify(node.metadata.labels)}`;
}
