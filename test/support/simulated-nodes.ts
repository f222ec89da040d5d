// Nodes without machines: they report Pods as a test tells them to, at the speed of the API. And a witness of everything that ever
// happened to Pods, from their watch, so that a test can say "never" and "only once".
import type { ApiObject, Client } from '#controllers/machinery/client-types.ts';
import { Informer } from '#controllers/machinery/informer.ts';
import { isConflict, isNotFound } from '#controllers/machinery/request-error.ts';
import { NODES, PODS } from '#controllers/machinery/resources.ts';
import { timestamp } from '#controllers/machinery/timestamps.ts';
import { systemClock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';

export interface TestPod extends ApiObject {
  readonly spec: {
    readonly nodeName?: string;
    readonly restartPolicy?: string;
    readonly containers: readonly {
      readonly name: string;
      readonly image?: string;
      readonly resources?: object;
    }[];
    readonly volumes?: readonly object[];
    readonly tolerations?: readonly { readonly key?: string }[];
    readonly activeDeadlineSeconds?: number;
  };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
    }[];
    readonly containerStatuses?: readonly { readonly resources?: object }[];
  };
}

/** What becomes of a container with some image. One that is to run once ends, with 0 when it `serves`, unless it `goes on`. */
export type Fate =
  | 'serves'
  | 'crashes'
  | 'never ready'
  | 'hangs'
  | 'never pulled'
  | 'never started'
  | 'exits 1'
  | 'goes on';

type FateOf = (pod: TestPod) => Fate;

export class SimulatedNodes {
  readonly #client: Client;
  readonly #signal: AbortSignal;
  readonly #informer: Informer<TestPod>;
  readonly #fateOf: FateOf;
  /** Names of all Pods that were ever made, in order. */
  readonly created: string[] = [];
  /** Pods alive at one time, at most. */
  mostAlive = 0;
  /** Fewest Pods that served at one time since watchServing() was called. */
  fewestServing = Number.POSITIVE_INFINITY;
  readonly #onChange: (() => void)[] = [];

  /**
   * @param fates image → what becomes of it, `serves` when it is not there; or a judge of each Pod
   * @param namespace plays only its Pods; all when absent
   */
  constructor(
    client: Client,
    signal: AbortSignal,
    fates: Readonly<Record<string, Fate>> | FateOf = {},
    namespace?: string,
  ) {
    this.#client = client;
    this.#signal = signal;
    this.#fateOf =
      typeof fates === 'function'
        ? fates
        : ({ spec }) => fates[spec.containers[0]?.image ?? ''] ?? 'serves';
    this.#informer = new Informer<TestPod>({
      client,
      resource: PODS,
      ...(namespace === undefined ? {} : { selectors: { namespace } }),
      clock: systemClock,
      logger: silentLogger,
      random: Math.random,
    });
    this.#informer.onChange((change) => {
      if (change.type === 'Added') this.created.push(change.object.metadata.name);
      this.mostAlive = Math.max(this.mostAlive, this.alive.length);
      this.fewestServing = Math.min(this.fewestServing, this.serving.length);
      for (const listener of this.#onChange) listener();
      if (change.type !== 'Deleted') void this.#play(change.object);
    });
    void this.#informer.run(signal);
  }

  get pods(): readonly TestPod[] {
    return this.#informer.cache.list();
  }

  get alive(): readonly TestPod[] {
    return this.pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  get serving(): readonly TestPod[] {
    return this.alive.filter(({ status }) =>
      status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
    );
  }

  watchServing(): void {
    this.fewestServing = this.serving.length;
  }

  /** Calls back after each change of a Pod. */
  onChange(listener: () => void): void {
    this.#onChange.push(listener);
  }

  async add(
    name: string,
    labels: Readonly<Record<string, string>> = {},
    spec: object = {},
  ): Promise<void> {
    const metadata = { name, labels };
    await this.#client.create(NODES, '', { metadata, spec }, this.#signal);
    const conditions = [{ type: 'Ready', status: 'True', reason: 'Simulated', message: '' }];
    const allocatable = { cpu: '4', memory: '8Gi', pods: '110' };
    await this.#client.patch(
      NODES,
      '',
      name,
      'status',
      'merge',
      { status: { conditions, allocatable, capacity: allocatable } },
      this.#signal,
    );
  }

  /** As an agent: a Pod that may be active for so long only fails after that. */
  #endInTime({ metadata, spec }: TestPod): void {
    const { activeDeadlineSeconds } = spec;
    if (activeDeadlineSeconds === undefined) return;
    const { name, namespace = '', uid } = metadata;
    systemClock.schedule(activeDeadlineSeconds * 1_000, () => {
      const pod = this.pods.find((one) => one.metadata.uid === uid);
      if (this.#signal.aborted || pod?.status?.phase !== 'Running') return;
      const status = {
        phase: 'Failed',
        reason: 'DeadlineExceeded',
        message: 'Pod was active on the node longer than the specified deadline',
      };
      this.#client
        .patch(PODS, namespace, name, 'status', 'merge', { status }, this.#signal)
        .catch(() => undefined);
    });
  }

  async #play(pod: TestPod): Promise<void> {
    const { metadata, spec } = pod;
    const { name, namespace = '', uid } = metadata;
    if (spec.nodeName === undefined) return;
    const fate = this.#fateOf(pod);
    try {
      if (metadata.deletionTimestamp !== undefined) {
        if (fate === 'hangs') return;
        const request = { gracePeriodSeconds: 0, uid };
        await this.#client.delete(PODS, namespace, name, request, this.#signal);
      } else if (!hasSpoken(pod) || hasNewResources(pod)) {
        const patch = { metadata: { uid }, status: statusOf(pod, fate) };
        await this.#client.patch(PODS, namespace, name, 'status', 'merge', patch, this.#signal);
        this.#endInTime(pod);
      }
    } catch (error) {
      if (this.#signal.aborted || isNotFound(error) || isConflict(error)) return;
      // The server is away: as an agent, say it again.
      await new Promise((done) => void systemClock.schedule(50, () => done(undefined)));
      await this.#play(pod);
    }
  }
}

/** False when nobody has said yet whether the Pod is ready, or somebody else did so because its node was away. */
function hasSpoken({ status }: TestPod): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready !== undefined && ready.reason !== 'NodeNotReady';
}

/** Its resources were changed while it runs: they are given to it at once. */
function hasNewResources({ spec, status }: TestPod): boolean {
  return spec.containers.some(
    ({ resources = {} }, index) =>
      JSON.stringify(status?.containerStatuses?.[index]?.resources ?? {}) !==
      JSON.stringify(resources),
  );
}

function statusOf({ spec }: TestPod, fate: Fate): object {
  if (spec.restartPolicy === 'Never' && fate !== 'goes on')
    return endOf(spec, fate === 'serves' ? 0 : fate === 'exits 1' ? 1 : 3);
  const serves = fate === 'serves' || fate === 'hangs' || fate === 'goes on';
  const lastTransitionTime = timestamp(systemClock.now());
  const waiting = WAITING[fate];
  return {
    phase: waiting === undefined || fate === 'crashes' ? 'Running' : 'Pending',
    conditions: [
      {
        type: 'Ready',
        status: serves ? 'True' : 'False',
        lastTransitionTime,
        ...(serves ? {} : { reason: 'ContainersNotReady', message: 'its probe does not pass' }),
      },
    ],
    containerStatuses: spec.containers.map(({ name, image = '', resources = {} }) => ({
      name,
      image,
      imageID: '',
      ready: serves,
      resources,
      restartCount: fate === 'crashes' ? 3 : 0,
      state: waiting === undefined ? { running: { startedAt: lastTransitionTime } } : { waiting },
      ...(fate === 'crashes'
        ? { lastState: { terminated: { exitCode: 3, reason: 'Error' } } }
        : {}),
    })),
  };
}

const WAITING: Readonly<Partial<Record<Fate, object>>> = {
  crashes: { reason: 'CrashLoopBackOff', message: 'back-off restarting failed container' },
  'never pulled': { reason: 'ImagePullBackOff', message: 'No such image' },
  'never started': { reason: 'RunContainerError', message: 'port is already allocated' },
};

/** A program that runs once. */
function endOf({ containers }: TestPod['spec'], exitCode: number): object {
  return {
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    conditions: [{ type: 'Ready', status: 'False', reason: 'PodCompleted' }],
    containerStatuses: containers.map(({ name, image = '', resources = {} }) => ({
      name,
      image,
      imageID: '',
      ready: false,
      resources,
      restartCount: 0,
      state: { terminated: { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error' } },
    })),
  };
}
