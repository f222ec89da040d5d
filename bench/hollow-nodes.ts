// Nodes without machines: what node agents say of their Leases, Nodes and Pods, over the public API, and no container anywhere. One
// informer and one pool of connections stand for all of them, so that they cost little.
import type { ApiObject, Client } from '#controllers/machinery/client-types.ts';
import { Informer } from '#controllers/machinery/informer.ts';
import { isConflict, isNotFound } from '#controllers/machinery/request-error.ts';
import { LEASES, NODES, PODS } from '#controllers/machinery/resources.ts';
import { WorkQueue } from '#controllers/machinery/work-queue.ts';
import { keyOf, parseKey } from '#controllers/machinery/cache.ts';
import { timestamp } from '#controllers/machinery/timestamps.ts';
import { sleep, systemClock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';

interface Pod extends ApiObject {
  readonly spec: { readonly nodeName?: string; readonly containers: readonly { name: string }[] };
  readonly status?: { readonly conditions?: readonly { type: string; status: string }[] };
}

const LEASE_NAMESPACE = 'kube-node-lease';
const LEASE_SECONDS = 40;
const RENEW_MS = 10_000;
/** Requests about Pods under way at one time. */
const PARALLEL = 64;

export class HollowNodes {
  readonly #client: Client;
  readonly #signal: AbortSignal;
  readonly #informer: Informer<Pod>;
  readonly #queue: WorkQueue;
  #renewals = 0;

  constructor(client: Client, signal: AbortSignal) {
    const random = Math.random;
    const shared = { clock: systemClock, random };
    this.#client = client;
    this.#signal = signal;
    this.#queue = new WorkQueue({ ...shared, name: 'hollow', metrics: new MetricsRegistry() });
    // As agents, which see the Pods of their node: not before those are bound.
    const selectors = { fieldSelector: 'spec.nodeName!=' };
    const resource = PODS;
    const logger = silentLogger;
    this.#informer = new Informer<Pod>({ ...shared, client, resource, selectors, logger });
    this.#informer.onChange(({ type, object }) => {
      if (type !== 'Deleted' && isOurs(object)) this.#queue.add(keyOf(object));
    });
    void this.#informer.run(signal);
    for (let worker = 0; worker < PARALLEL; worker += 1)
      this.#work().catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
  }

  get pods(): number {
    return this.#informer.cache.size;
  }

  /** Lease renewals so far. */
  get renewals(): number {
    return this.#renewals;
  }

  /** Makes `count` ready Nodes with the room of small machines, each with its Lease, which it renews from now on. */
  async join(count: number): Promise<void> {
    await this.#informer.synced(this.#signal);
    const names = Array.from({ length: count }, (_, index) => `n${String(index).padStart(4, '0')}`);
    for (const [index, name] of names.entries()) {
      await this.#joinOne(name);
      this.#renew(name, (index / count) * RENEW_MS).catch((error: unknown) => {
        if (!this.#signal.aborted) throw error;
      });
    }
  }

  async #joinOne(name: string): Promise<void> {
    const allocatable = { cpu: '16', memory: '64Gi', pods: '110' };
    const conditions = [{ type: 'Ready', status: 'True', reason: 'Hollow', message: '' }];
    const status = { conditions, allocatable, capacity: allocatable };
    const metadata = { name, labels: { 'kubernetes.io/hostname': name } };
    const lease = { metadata: { name }, spec: leaseSpec(name) };
    await this.#client.create(NODES, '', { metadata }, this.#signal);
    await this.#client.patch(NODES, '', name, 'status', 'merge', { status }, this.#signal);
    await this.#client.create(LEASES, LEASE_NAMESPACE, lease, this.#signal);
  }

  /** As agents do, spread over the time between two renewals. */
  async #renew(name: string, firstMs: number): Promise<void> {
    for (let waitMs = firstMs; !this.#signal.aborted; waitMs = RENEW_MS) {
      await sleep(systemClock, waitMs, this.#signal);
      const patch = { spec: leaseSpec(name) };
      await this.#client.patch(LEASES, LEASE_NAMESPACE, name, '', 'merge', patch, this.#signal);
      this.#renewals += 1;
    }
  }

  async #work(): Promise<void> {
    for (;;) {
      const key = await this.#queue.take(this.#signal);
      const { namespace, name } = parseKey(key);
      const pod = this.#informer.cache.get(namespace, name);
      try {
        if (pod !== undefined && isOurs(pod)) await this.#report(pod);
      } catch (error) {
        if (this.#signal.aborted) return;
        if (!isNotFound(error) && !isConflict(error)) this.#queue.addRateLimited(key);
      } finally {
        this.#queue.done(key);
      }
    }
  }

  async #report({ metadata, spec }: Pod): Promise<void> {
    const { name, namespace = '', uid } = metadata;
    if (metadata.deletionTimestamp === undefined) {
      const patch = { metadata: { uid }, status: runningStatus(spec.containers) };
      await this.#client.patch(PODS, namespace, name, 'status', 'merge', patch, this.#signal);
    } else {
      const request = { gracePeriodSeconds: 0, uid };
      await this.#client.delete(PODS, namespace, name, request, this.#signal);
    }
  }
}

/** Bound to a node, and something is to be said about it. */
function isOurs({ metadata, spec, status }: Pod): boolean {
  if (spec.nodeName === undefined || spec.nodeName === '') return false;
  const isReady = status?.conditions?.some(
    ({ type, status: is }) => type === 'Ready' && is === 'True',
  );
  return metadata.deletionTimestamp !== undefined || isReady !== true;
}

/** What an agent says of a Pod whose containers all serve. */
export function runningStatus(containers: readonly { readonly name: string }[]): object {
  const startedAt = timestamp(systemClock.now());
  return {
    phase: 'Running',
    startTime: startedAt,
    conditions: ['Initialized', 'ContainersReady', 'Ready'].map((type) => ({
      type,
      status: 'True',
      lastTransitionTime: startedAt,
    })),
    containerStatuses: containers.map(({ name }) => ({
      name,
      image: 'hollow',
      imageID: '',
      ready: true,
      restartCount: 0,
      state: { running: { startedAt } },
    })),
  };
}

function leaseSpec(holderIdentity: string): object {
  const renewTime = `${new Date(systemClock.now()).toISOString().slice(0, -1)}000Z`;
  return { holderIdentity, leaseDurationSeconds: LEASE_SECONDS, renewTime };
}
