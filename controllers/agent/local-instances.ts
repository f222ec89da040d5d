// The ready instances of Services on this machine, as the Pod workers know them: a source of the endpoint table.
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Endpoint } from '../runtimes/runtime.ts';
import type { InstanceSource, ServiceInstance } from './endpoints.ts';
import type { PodWorker } from './pod-worker.ts';
import { endpointOf } from './probe-request.ts';

const SERVICE_LABEL = 'windlass.dev/service';
const REVISION_LABEL = 'windlass.dev/revision';
/** On Pods that run once before or after a rollout: never sent to. */
const HOOK_LABEL = 'windlass.dev/hook';

type Worker = Pick<PodWorker, 'pod' | 'isReady' | 'container'>;

export class LocalInstances implements InstanceSource {
  readonly #workers: () => Iterable<Worker>;
  /** One for each worker, so that whoever compares finds the same one. */
  readonly #instances = new WeakMap<Worker, ServiceInstance>();

  constructor(workers: () => Iterable<Worker>) {
    this.#workers = workers;
  }

  /** One of them, as long as it is ready. */
  find(podUID: string): ServiceInstance | undefined {
    for (const instance of this.ready()) if (instance.podUID === podUID) return instance;
    return undefined;
  }

  *ready(): Generator<ServiceInstance> {
    for (const worker of this.#workers()) {
      if (!worker.isReady) continue;
      const { labels = {} } = worker.pod.metadata;
      if (labels[SERVICE_LABEL] === undefined || labels[HOOK_LABEL] !== undefined) continue;
      let instance = this.#instances.get(worker);
      if (instance === undefined) {
        instance = instanceOf(worker, labels);
        this.#instances.set(worker, instance);
      }
      yield instance;
    }
  }
}

function instanceOf(worker: Worker, labels: Readonly<Record<string, string>>): ServiceInstance {
  const { metadata, spec } = worker.pod;
  // The workers change with their Pod: what is asked of them is asked each time.
  const address = (port: number | string): Endpoint | undefined => addressOf(worker, port);
  return {
    podUID: metadata.uid,
    pod: metadata.name,
    namespace: metadata.namespace ?? 'default',
    service: labels[SERVICE_LABEL] ?? '',
    revision: labels[REVISION_LABEL] ?? '',
    node: spec.nodeName ?? '',
    address,
    connect: (port, timeoutMs) => {
      const endpoint = address(port);
      if (endpoint !== undefined) return dial(endpoint, timeoutMs);
      return Promise.reject(new Error(`no container of ${metadata.name} has a port ${port}`));
    },
  };
}

/** Of the container that declares the port; for an undeclared number the first one. */
function addressOf(worker: Worker, port: number | string): Endpoint | undefined {
  const { containers } = worker.pod.spec;
  const declares = containers.find((container) =>
    (container.ports ?? []).some(
      ({ name, containerPort }) => name === port || containerPort === Number(port),
    ),
  );
  const container = declares ?? (Number.isInteger(Number(port)) ? containers[0] : undefined);
  const status = container === undefined ? undefined : worker.container(container.name);
  if (container === undefined || status === undefined) return undefined;
  return endpointOf(port, undefined, { container, status });
}

/** Half-open, as proxies need it. @throws Error of the system, or that of the timeout */
export function dial(endpoint: Endpoint, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...endpoint, allowHalfOpen: true, noDelay: true });
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(timeoutMs, () =>
      fail(new Error(`no connection to ${endpoint.host}:${endpoint.port} within ${timeoutMs} ms`)),
    );
    socket.once('error', fail);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.removeAllListeners('timeout');
      socket.off('error', fail);
      resolve(socket);
    });
  });
}
