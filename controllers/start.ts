// Starts the controllers against one API server, ours or any other: the composition root of this folder. The agent has its own.
import type { Clock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import type { Logger } from '#platform/logging.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';
import { addDisruptionController } from './disruption/controller.ts';
import { addGarbageCollector } from './garbage-collector/controller.ts';
import { HttpClient } from './machinery/client.ts';
import { loadConnection } from './machinery/kubeconfig.ts';
import type { Connection } from './machinery/kubeconfig.ts';
import { Manager } from './machinery/manager.ts';
import { addNamespaceController } from './namespace/controller.ts';
import { addNodeLifecycleController } from './node-lifecycle/controller.ts';
import { addScheduler } from './scheduler/controller.ts';
import { addServiceAccountController } from './service-account/controller.ts';
import { addServiceController } from './service/controller.ts';

export interface ControllersOptions {
  /** Path of the kubeconfig whose current context names the server. */
  readonly kubeconfig: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  /** Domain of names inside the cluster; for controllers that make such names. */
  readonly clusterDomain: string;
  /**
   * Names of `controllerNames`; all of them by default. A real Kubernetes cluster has its own of most: there, name `service` only.
   */
  readonly controllers?: readonly string[];
}

export interface Controllers {
  /** Resolves when all have ended after the signal aborted or close() was called; rejects when one could not go on. */
  readonly done: Promise<void>;
  /** Stops all of them and resolves when they have. */
  close(): Promise<void>;
}

type Add = (manager: Manager, connection: Connection) => void;

const CONTROLLERS: Readonly<Record<string, Add>> = {
  service: addServiceController,
  scheduler: addScheduler,
  namespace: addNamespaceController,
  'node-lifecycle': addNodeLifecycleController,
  disruption: addDisruptionController,
  'garbage-collector': addGarbageCollector,
  'service-account': (manager, { tls }) => addServiceAccountController(manager, textOf(tls.ca)),
};

export const controllerNames: readonly string[] = Object.keys(CONTROLLERS);

/**
 * Resolves as soon as the controllers run; they wait for the server by themselves, also when it is not there yet.
 *
 * @throws Error for a kubeconfig that cannot be used or a name that is no controller
 */
export async function startControllers(
  options: ControllersOptions,
  signal: AbortSignal,
): Promise<Controllers> {
  const { clock, logger, metrics } = options;
  const chosen = (options.controllers ?? controllerNames).map((name): Add => {
    const add = Object.hasOwn(CONTROLLERS, name) ? CONTROLLERS[name] : undefined;
    if (add !== undefined) return add;
    throw new Error(
      `Cannot start controller ${JSON.stringify(name)}: there are ${controllerNames.join(', ')}`,
    );
  });
  const connection = await loadConnection(options.kubeconfig);
  const random = (): number => Number.parseInt(systemIds.hex(8), 16) / 2 ** 32;
  const client = new HttpClient({
    connection,
    clock,
    metrics,
    userAgent: 'windlass-controllers',
    random,
  });
  const manager = new Manager({ client, clock, ids: systemIds, logger, metrics, random });
  for (const add of chosen) add(manager, connection);

  const closing = new AbortController();
  const lifetime = AbortSignal.any([signal, closing.signal]);
  const done = runAndDispose(manager, client, lifetime);
  // Whoever waits for `done` sees the error; nobody has to.
  done.catch((error: unknown) => logger.error('Controllers ended', { error }));
  return {
    done,
    async close() {
      closing.abort(new Error('controllers are closing'));
      await done.catch(() => undefined);
    },
  };
}

async function runAndDispose(
  manager: Manager,
  client: HttpClient,
  signal: AbortSignal,
): Promise<void> {
  try {
    await manager.run(signal);
  } finally {
    await client[Symbol.asyncDispose]();
  }
}

function textOf(authority: Connection['tls']['ca']): string {
  const parts = authority === undefined ? [] : Array.isArray(authority) ? authority : [authority];
  return parts.map((part) => part.toString()).join('\n');
}
