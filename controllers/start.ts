// Starts the controllers against one API server, ours or any other: the composition root of this folder. The agent has its own.
import type { Clock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import type { Logger } from '#platform/logging.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';
import { addDisruptionController } from './disruption/controller.ts';
import { addGarbageCollector } from './garbage-collector/controller.ts';
import { HttpClient } from './machinery/client.ts';
import type { DigestResolver } from './machinery/digest-resolver.ts';
import { loadConnection } from './machinery/kubeconfig.ts';
import type { Connection } from './machinery/kubeconfig.ts';
import { Manager } from './machinery/manager.ts';
import { addNamespaceController } from './namespace/controller.ts';
import { addNodeLifecycleController } from './node-lifecycle/controller.ts';
import { RegistryDigestResolver } from './registry/digest-resolver.ts';
import type { LoginsOptions } from './registry/logins.ts';
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
  /** Where to find logins for registries, to pin images to their digests; absent: each node decides what a tag stands for. */
  readonly registries?: Pick<LoginsOptions, 'dockerFolder' | 'environment'>;
}

export interface Controllers {
  /** Resolves when all have ended after the signal aborted or close() was called; rejects when one could not go on. */
  readonly done: Promise<void>;
  /** Stops all of them and resolves when they have. */
  close(): Promise<void>;
}

interface Shared {
  readonly connection: Connection;
  readonly resolver: DigestResolver | undefined;
}

type Add = (manager: Manager, shared: Shared) => void;

const CONTROLLERS: Readonly<Record<string, Add>> = {
  service: (manager, { resolver }) => addServiceController(manager, resolver),
  scheduler: addScheduler,
  namespace: addNamespaceController,
  'node-lifecycle': addNodeLifecycleController,
  disruption: addDisruptionController,
  'garbage-collector': addGarbageCollector,
  'service-account': (manager, { connection }) =>
    addServiceAccountController(manager, textOf(connection.tls.ca)),
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
  const resolver =
    options.registries === undefined
      ? undefined
      : new RegistryDigestResolver({
          ...options.registries,
          client,
          clock,
          logger,
          userAgent: 'windlass-controllers',
        });
  for (const add of chosen) add(manager, { connection, resolver });

  const closing = new AbortController();
  const lifetime = AbortSignal.any([signal, closing.signal]);
  const done = runAndDispose(
    manager,
    [client, ...(resolver === undefined ? [] : [resolver])],
    lifetime,
  );
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
  parts: readonly AsyncDisposable[],
  signal: AbortSignal,
): Promise<void> {
  try {
    await manager.run(signal);
  } finally {
    for (const part of parts) await part[Symbol.asyncDispose]();
  }
}

function textOf(authority: Connection['tls']['ca']): string {
  const parts = authority === undefined ? [] : Array.isArray(authority) ? authority : [authority];
  return parts.map((part) => part.toString()).join('\n');
}
