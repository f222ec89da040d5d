// A runtime and a server for tests of the agent: plain objects that remember what they were asked.
import { Readable } from 'node:stream';
import { systemIds } from '#platform/id.ts';
import { silentLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import type { ApiObject, ApiResource, Client } from '../machinery/client-types.ts';
import { FakeClock } from '../machinery/machinery-fixture.ts';
import { RequestError } from '../machinery/request-error.ts';
import type { ContainerSessions } from '../runtimes/container-sessions.ts';
import type {
  ContainerResources,
  ContainerSpec,
  ContainerState,
  ContainerStatus,
  ExecResult,
  PodSandbox,
  PodSandboxSpec,
  Runtime,
} from '../runtimes/runtime.ts';
import type { AgentContext } from './context.ts';
import { agentMetrics } from './metrics.ts';
import type { Pod, PodStatus } from './pod.ts';

export const START = Date.UTC(2026, 0, 1);

export class FakeRuntime implements Runtime {
  readonly name = 'fake';
  readonly version = 'fake://1';
  readonly sessions: ContainerSessions = {
    exec: () => Promise.reject(new Error('not in this test')),
    attach: () => Promise.reject(new Error('not in this test')),
    endpoint: () => Promise.reject(new Error('not in this test')),
  };
  readonly ran: ContainerSpec[] = [];
  readonly stopped: { readonly id: string; readonly graceSeconds: number }[] = [];
  readonly prepared: PodSandboxSpec[] = [];
  readonly removedPods: string[] = [];
  /** Absent: it has no images. */
  prepareImage?: NonNullable<Runtime['prepareImage']>;
  /** Absent: it keeps no volumes. */
  ensureVolume?: NonNullable<Runtime['ensureVolume']>;
  /** Fields that it does nothing about. */
  ignored: readonly string[] = [];
  /** What containers are given is kept, and told of. */
  limits = false;
  readonly updated: ContainerResources[] = [];
  updateFailure: Error | undefined;
  /** What the image's health check says of new containers. */
  health: ContainerStatus['health'];
  readonly thawed: string[] = [];
  /** Addresses of all Pods. */
  podIPs: readonly string[] = [];
  /** What a command run beside a container answers. */
  execResult: ExecResult = { exitCode: 0, output: '', timedOut: false };
  /** Thrown by run(). */
  failure: Error | undefined;
  /** run() takes as long as this. */
  gate: Promise<void> | undefined;
  readonly #clock: FakeClock;
  #containers: ContainerStatus[] = [];

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  list(): Promise<readonly ContainerStatus[]> {
    return Promise.resolve(this.#containers);
  }

  pods(): Promise<readonly string[]> {
    return Promise.resolve(this.#containers.map(({ identity }) => identity.podUID));
  }

  preparePod(spec: PodSandboxSpec): Promise<PodSandbox> {
    this.prepared.push(spec);
    return Promise.resolve({ spec, ips: this.podIPs });
  }

  removePod(podUID: string): Promise<void> {
    this.removedPods.push(podUID);
    return Promise.resolve();
  }

  thaw(id: string): Promise<void> {
    this.thawed.push(id);
    return Promise.resolve();
  }

  choosePort(): Promise<number> {
    return Promise.resolve(20_001);
  }

  async run(spec: ContainerSpec, signal?: AbortSignal): Promise<ContainerStatus> {
    if (this.failure !== undefined) throw this.failure;
    if (this.gate !== undefined) {
      const aborted = new Promise<never>((_, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error));
      });
      await Promise.race([this.gate, aborted]);
    }
    this.ran.push(spec);
    const state = { state: 'running', startedAt: this.#clock.now() } as const;
    const status = {
      ...this.put(spec.identity, state),
      ...(this.limits ? { resources: spec.resources } : {}),
      ...(this.health === undefined ? {} : { health: this.health }),
    };
    this.#containers = this.#containers.map((one) => (one.id === status.id ? status : one));
    return status;
  }

  /** Another word of the image's health check of all containers. */
  setHealth(health: NonNullable<ContainerStatus['health']>): void {
    this.#containers = this.#containers.map((one) => ({ ...one, health }));
  }

  /** A container that is there already, or another state of one. */
  put(identity: ContainerSpec['identity'], state: ContainerState): ContainerStatus {
    const id = `fake://${identity.podUID}-${identity.container}-${identity.attempt}`;
    const status: ContainerStatus = {
      identity,
      id,
      image: 'image',
      imageID: '',
      state,
      endpoints: new Map(),
      podIPs: this.podIPs,
    };
    this.#containers = [...this.#containers.filter((other) => other.id !== id), status];
    return status;
  }

  /** Ends the newest container, or the one given. */
  exit(exitCode: number, last = this.#containers.at(-1)): void {
    if (last === undefined) throw new Error('nothing runs');
    const finishedAt = this.#clock.now();
    const { startedAt } = last.state;
    const reason = exitCode === 0 ? 'Completed' : 'Error';
    this.put(last.identity, { state: 'exited', startedAt, finishedAt, exitCode, reason });
  }

  /** Takes the resources as they are, or fails with updateFailure. Only for containers that have some. */
  update(id: string, resources: ContainerResources): Promise<void> {
    this.updated.push(resources);
    if (this.updateFailure !== undefined) return Promise.reject(this.updateFailure);
    this.#containers = this.#containers.map((one) => (one.id === id ? { ...one, resources } : one));
    return Promise.resolve();
  }

  ignores(): readonly string[] {
    return this.ignored;
  }

  stop(id: string, graceSeconds: number): Promise<void> {
    this.stopped.push({ id, graceSeconds });
    const found = this.#containers.find((container) => container.id === id);
    if (found?.state.state === 'running') this.exit(0, found);
    return Promise.resolve();
  }

  remove(id: string): Promise<void> {
    this.#containers = this.#containers.filter((container) => container.id !== id);
    return Promise.resolve();
  }

  logs(): Promise<Readable> {
    return Promise.resolve(Readable.from([]));
  }

  exec(): Promise<ExecResult> {
    return Promise.resolve(this.execResult);
  }

  onChange(): () => void {
    return () => undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** Holds objects by resource and name; remembers what was written. */
export class FakeServer implements Client {
  readonly objects = new Map<string, ApiObject>();
  readonly written: { readonly path: string; readonly body: Record<string, unknown> }[] = [];
  readonly deleted: string[] = [];

  put(resource: string, object: ApiObject): void {
    this.objects.set(`${resource}/${object.metadata.name}`, object);
  }

  /** Statuses written to Pods, oldest first. */
  get statuses(): readonly PodStatus[] {
    return this.written
      .filter(({ path }) => path.startsWith('pods/'))
      .map(({ body }) => body['status'] as PodStatus);
  }

  get<T extends ApiObject>(
    { resource }: ApiResource,
    _namespace: string,
    name: string,
  ): Promise<T> {
    const found = this.objects.get(`${resource}/${name}`);
    return found === undefined ? Promise.reject(missing(name)) : Promise.resolve(found as T);
  }

  create<T extends ApiObject>(
    { resource }: ApiResource,
    _namespace: string,
    object: object,
  ): Promise<T> {
    this.put(resource, object as T);
    this.#note(resource, object as T);
    return Promise.resolve(object as T);
  }

  patch<T extends ApiObject>(
    { resource }: ApiResource,
    _namespace: string,
    name: string,
    subresource: string,
    _type: string,
    patch: unknown,
  ): Promise<T> {
    const found = this.objects.get(`${resource}/${name}`);
    if (found === undefined) return Promise.reject(missing(name));
    const body = patch as Record<string, unknown>;
    this.written.push({ path: [resource, name, subresource].filter(Boolean).join('/'), body });
    const merged = { ...found, ...body, metadata: found.metadata } as unknown as T;
    this.objects.set(`${resource}/${name}`, merged);
    return Promise.resolve(merged);
  }

  delete({ resource }: ApiResource, _namespace: string, name: string): Promise<void> {
    this.deleted.push(`${resource}/${name}`);
    this.objects.delete(`${resource}/${name}`);
    return Promise.resolve();
  }

  list = unexpected;
  update = unexpected;
  /** Tests put theirs in its place. */
  connect: Client['connect'] = unexpected;
  getPath = unexpected;
  getText = unexpected;
  watch = (): AsyncIterable<never> => {
    throw new Error('not expected of the agent');
  };

  #note(resource: string, object: ApiObject): void {
    this.written.push({ path: `${resource}/${object.metadata.name}`, body: { ...object } });
  }
}

function unexpected(): Promise<never> {
  return Promise.reject(new Error('not expected of the agent'));
}

function missing(name: string): RequestError {
  return new RequestError(404, 'NotFound', `"${name}" not found`);
}

export interface Fixture {
  readonly clock: FakeClock;
  readonly runtime: FakeRuntime;
  readonly server: FakeServer;
  readonly context: AgentContext;
  /** `Warning BackOff back-off …` */
  readonly events: string[];
}

/** @param folder of the node */
export function agentFixture(folder: string): Fixture {
  const clock = new FakeClock();
  clock.advance(START);
  const runtime = new FakeRuntime(clock);
  const server = new FakeServer();
  const events: string[] = [];
  const context: AgentContext = {
    client: server,
    runtime,
    clock,
    ids: systemIds,
    logger: silentLogger,
    metrics: agentMetrics(new MetricsRegistry(), 'node'),
    events: {
      normal: (_pod, reason, message) => void events.push(`Normal ${reason} ${message}`),
      warning: (_pod, reason, message) => void events.push(`Warning ${reason} ${message}`),
    },
    nodeName: 'node',
    hostIP: '10.0.0.1',
    folderOf: (uid) => `${folder}/pods/${uid}`,
    imageCame: () => Promise.resolve(),
    findLogins: () => Promise.resolve([]),
    claimsFolder: `${folder}/volumes`,
  };
  return { clock, runtime, server, context, events };
}

export function podOf(spec: Partial<Pod['spec']>, more: Partial<Pod> = {}): Pod {
  return {
    metadata: {
      name: 'web',
      namespace: 'default',
      uid: 'u1',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: { containers: [{ name: 'main', image: 'image', command: ['run'] }], ...spec },
    ...more,
  };
}

/** Lets everything happen that waits for no clock. */
export async function turns(): Promise<void> {
  // The event loop must turn for what waits for files and sockets of this machine.
  // oxlint-disable-next-line no-restricted-globals
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
