// A control plane in the test's own process: the real server on a free port with a store on disk, and a client of the controllers'
// kind. It can be stopped and started again on the same port and data.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { HttpClient } from '#controllers/machinery/client.ts';
import { clusterAuthorities } from '#cli/cluster-authorities.ts';
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
  /** Of an administrator. */
  readonly kubeconfig: string;
  readonly #controllersKubeconfig: string;
  readonly #abort: AbortController;
  #server: ControlPlane;
  #metrics: MetricsRegistry;
  readonly #denials: string[];

  private constructor(parts: Parts, abort: AbortController) {
    this.folder = parts.folder;
    this.kubeconfig = parts.server.adminKubeconfig;
    this.client = parts.client;
    this.#controllersKubeconfig = parts.controllers;
    this.#server = parts.server;
    this.#metrics = parts.metrics;
    this.#denials = parts.denials;
    this.#abort = abort;
  }

  /** Ended after the test, which fails if the controllers asked for anything that they may not do. */
  static async start(t: Pick<TestContext, 'after'>): Promise<TestControlPlane> {
    const folder = tempDir();
    const abort = new AbortController();
    const metrics = new MetricsRegistry();
    const denials: string[] = [];
    const server = await startServer({ folder, port: 0, metrics, denials }, abort.signal);
    const client = await clientFor(server.adminKubeconfig);
    const controllers = await server.controllersKubeconfig();
    const plane = new TestControlPlane(
      { folder, client, server, controllers, metrics, denials },
      abort,
    );
    t.after(async () => {
      abort.abort(new Error('the test is over'));
      await client[Symbol.asyncDispose]();
      await plane.#server.close();
      assert.deepEqual(denials, [], 'the controllers were refused something');
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
    const { folder } = this;
    this.#server = await startServer(
      { folder, port, metrics: this.#metrics, denials: this.#denials },
      this.signal,
    );
  }

  /** Controllers in this process, until the test is over or what is returned is called. */
  async controllers(
    controllers?: readonly string[],
    { logger = silentLogger, registries, artifacts, machines }: ControllersSettings = {},
  ): Promise<() => Promise<void>> {
    const running = await startControllers(
      {
        kubeconfig: this.#controllersKubeconfig,
        clock: systemClock,
        logger,
        metrics: new MetricsRegistry(),
        clusterDomain: 'internal',
        authorities: clusterAuthorities(systemClock),
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

interface Parts {
  readonly folder: string;
  readonly client: HttpClient;
  readonly server: ControlPlane;
  /** Path of the kubeconfig of the controllers. */
  readonly controllers: string;
  readonly metrics: MetricsRegistry;
  readonly denials: string[];
}

interface ServerSettings {
  readonly folder: string;
  readonly port: number;
  readonly metrics: MetricsRegistry;
  /** Gets what the controllers were refused. */
  readonly denials: string[];
}

/** Says nothing; keeps what the controllers were refused. */
function denialLogger(denials: string[]): Logger {
  const logger: Logger = {
    ...silentLogger,
    debug(message, fields) {
      if (message !== 'Access denied' || fields?.['user'] !== 'system:windlass:controllers') return;
      denials.push(String(fields['why']));
    },
    child: () => logger,
  };
  return logger;
}

function startServer(
  { folder, port, metrics, denials }: ServerSettings,
  signal: AbortSignal,
): Promise<ControlPlane> {
  return startControlPlane(
    {
      dataDir: join(folder, 'data'),
      bind: '127.0.0.1',
      port,
      persistence: [`sqlite:${join(folder, 'state.db')}`],
      secretsKeys: [{ type: 'file', path: join(folder, 'data.key') }],
      ownKinds: crds.items,
      bootstrapObjects: [],
      version: '0.0.0',
      logger: denialLogger(denials),
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
