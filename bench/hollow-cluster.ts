// What the benchmarks of controllers share: a server, hollow nodes, the controllers as a process of their own, and one Service.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { HttpClient } from '#controllers/machinery/client.ts';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import { loadConnection } from '#controllers/machinery/kubeconfig.ts';
import { SERVICES } from '#controllers/machinery/resources.ts';
import { sleep, systemClock } from '#platform/clock.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { HollowNodes } from './hollow-nodes.ts';
import { root, startControlPlaneProcess, startServer, temporaryFolder } from './processes.ts';
import type { RunningServer } from './processes.ts';

interface Service extends ApiObject {
  readonly status?: {
    readonly observedGeneration?: number;
    readonly readyReplicas?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** How often it is looked whether the last Pod is gone; costs no request. */
const POLL_MS = 20;

/** `image` and nothing else: what the server has to do for one instance is the same for a bare Pod. */
export const container = { name: 'c', image: 'registry.example/hollow:1' };

export class HollowCluster implements AsyncDisposable {
  readonly kubeconfig: string;
  readonly client: HttpClient;
  readonly #stack: AsyncDisposableStack;
  readonly #stop = new AbortController();

  private constructor(kubeconfig: string, client: HttpClient, stack: AsyncDisposableStack) {
    this.kubeconfig = kubeconfig;
    this.client = client;
    this.#stack = stack;
  }

  static async start(): Promise<HollowCluster> {
    const stack = new AsyncDisposableStack();
    const folder = stack.use(temporaryFolder());
    const dataDirectory = path.join(folder.path, 'data');
    stack.use(await startControlPlaneProcess(dataDirectory));
    const kubeconfig = path.join(dataDirectory, 'admin.kubeconfig');
    const client = new HttpClient({
      connection: await loadConnection(kubeconfig),
      clock: systemClock,
      metrics: new MetricsRegistry(),
      userAgent: 'windlass-bench',
      random: Math.random,
    });
    return new HollowCluster(kubeconfig, stack.use(client), stack);
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  async nodes(count: number): Promise<HollowNodes> {
    const nodes = new HollowNodes(this.client, this.signal);
    await nodes.join(count);
    return nodes;
  }

  /** Dispose of it to end them. Not on the server's processor alone: they are another process in real life too. */
  controllers(): Promise<RunningServer> {
    const program = [path.join(root, 'bench/controllers-process.ts'), this.kubeconfig];
    return startServer(program, 'ready ', { pinned: false });
  }

  async createService(name: string, replicas: number): Promise<void> {
    const updateStrategy = { monitorPeriod: '0s', progressDeadline: '10m' };
    const spec = { replicas, updateStrategy, template: { spec: { containers: [container] } } };
    await this.client.create(SERVICES, 'default', { metadata: { name }, spec }, this.signal);
  }

  /** Resolves when the Service says that all its instances are available. Waits by a watch, as whoever deploys does. */
  async serviceReady(name: string, replicas: number): Promise<void> {
    const { client, signal } = this;
    const selectors = { namespace: 'default', fieldSelector: `metadata.name=${name}` };
    for (;;) {
      const service = await client.get<Service>(SERVICES, 'default', name, signal);
      if (isReady(service, replicas)) return;
      const { resourceVersion } = service.metadata;
      for await (const event of client.watch<Service>(SERVICES, selectors, resourceVersion, signal))
        if (event.type !== 'BOOKMARK' && isReady(event.object, replicas)) return;
    }
  }

  /** Resolves when neither the Service nor any Pod is left. */
  async deleteService(name: string, nodes: HollowNodes): Promise<void> {
    await this.client.delete(SERVICES, 'default', name, {}, this.signal);
    while (nodes.pods > 0) await sleep(systemClock, POLL_MS, this.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the benchmark is over'));
    await this.#stack.disposeAsync();
  }
}

function isReady({ status }: Service, replicas: number): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' && status?.readyReplicas === replicas;
}

/** Processor time of a whole process, its threads included, in milliseconds, from /proc (in steps of 10 ms); NaN elsewhere. */
export function processorMs(pid: number | undefined): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    // Fields 14 and 15 of proc(5): time in user and kernel mode, in hundredths of a second.
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return NaN;
  }
}
