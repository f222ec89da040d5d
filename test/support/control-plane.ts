// A control plane in the test's own process: the real server on a free port with a store on disk, and a client of the controllers'
// kind. It can be stopped and started again on the same port and data.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { HttpClient } from '#controllers/machinery/client.ts';
import { loadConnection } from '#controllers/machinery/kubeconfig.ts';
import { startControllers } from '#controllers/start.ts';
import type { ControllersOptions } from '#controllers/start.ts';
import { startControlPlane } from '#controlplane/start.ts';
import type { ControlPlane } from '#controlplane/start.ts';
import { systemClock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import type { Logger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { tempDir } from './temp-dir.ts';
import { projectRoot } from './windlass.ts';

const crds = JSON.parse(readFileSync(join(projectRoot, 'deploy', 'crds.json'), 'utf8')) as {
  readonly items: readonly unknown[];
};

interface ControllersSettings extends Pick<
  ControllersOptions,
  'registries' | 'artifacts' | 'machines'
> {
  readonly logger?: Logger;
}

export class TestControlPlane {
  readonly folder: string;
  readonly client: HttpClient;
  readonly kubeconfig: string;
  readonly #abort: AbortController;
  #server: ControlPlane;
  #metrics: MetricsRegistry;

  private constructor(
    folder: string,
    kubeconfig: string,
    client: HttpClient,
    server: ControlPlane,
    metrics: MetricsRegistry,
    abort: AbortController,
  ) {
    this.folder = folder;
    this.kubeconfig = kubeconfig;
    this.client = client;
    this.#server = server;
    this.#metrics = metrics;
    this.#abort = abort;
  }

  /** Ended after the test. */
  static async start(t: Pick<TestContext, 'after'>): Promise<TestControlPlane> {
    const folder = tempDir();
    const abort = new AbortController();
    const metrics = new MetricsRegistry();
    const server = await startServer(folder, 0, metrics, abort.signal);
    const kubeconfig = await server.controllersKubeconfig();
    const client = await clientFor(kubeconfig);
    const plane = new TestControlPlane(folder, kubeconfig, client, server, metrics, abort);
    t.after(async () => {
      abort.abort(new Error('the test is over'));
      await client[Symbol.asyncDispose]();
      await plane.#server.close();
    });
    return plane;
  }

  /** Aborts when the test is over. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get port(): number {
    return this.#server.port;
  }

  /** Metrics of the server since it was last started. */
  exposition(): Promise<string> {
    return this.#metrics.expose();
  }

  /** Path of a kubeconfig for the agent of a machine. */
  nodeKubeconfig(nodeName: string): Promise<string> {
    return this.#server.nodeKubeconfig(nodeName);
  }

  stop(): Promise<void> {
    return this.#server.close();
  }

  /** After stop(): on the same port and data. */
  async startAgain(port: number): Promise<void> {
    this.#metrics = new MetricsRegistry();
    this.#server = await startServer(this.folder, port, this.#metrics, this.signal);
  }

  /** Controllers in this process, until the test is over or what is returned is called. */
  async controllers(
    controllers?: readonly string[],
    { logger = silentLogger, registries, artifacts, machines }: ControllersSettings = {},
  ): Promise<() => Promise<void>> {
    const running = await startControllers(
      {
        kubeconfig: this.kubeconfig,
        clock: systemClock,
        logger,
        metrics: new MetricsRegistry(),
        clusterDomain: 'internal',
        ...(controllers === undefined ? {} : { controllers }),
        ...(registries === undefined ? {} : { registries }),
        ...(artifacts === undefined ? {} : { artifacts }),
        ...(machines === undefined ? {} : { machines }),
      },
      this.signal,
    );
    return () => running.close();
  }
}

function startServer(
  folder: string,
  port: number,
  metrics: MetricsRegistry,
  signal: AbortSignal,
): Promise<ControlPlane> {
  return startControlPlane(
    {
      dataDir: join(folder, 'data'),
      bind: '127.0.0.1',
      port,
      persistence: [`sqlite:${join(folder, 'state.db')}`],
      secretsKeys: [{ type: 'file', path: join(folder, 'data.key') }],
      bootstrapObjects: crds.items,
      version: '0.0.0',
      logger: silentLogger,
      clock: systemClock,
      metrics,
    },
    signal,
  );
}

async function clientFor(kubeconfig: string): Promise<HttpClient> {
  return new HttpClient({
    connection: await loadConnection(kubeconfig),
    clock: systemClock,
    metrics: new MetricsRegistry(),
    userAgent: 'windlass-test',
    random: Math.random,
  });
}
