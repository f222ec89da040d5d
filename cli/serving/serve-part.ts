// A part that runs alone, with its health and metrics beside it where --metrics-bind asks for them.
import { HttpClient } from '#controllers/machinery/client.ts';
import { loadConnection } from '#controllers/machinery/kubeconfig.ts';
import { newServingCertificate } from '#controlplane/serving-certificate.ts';
import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import type { Part } from '../run-until-stopped.ts';
import { userAgent } from '../versions.ts';
import { DelegatedAccess } from './delegated-access.ts';
import type { Access } from './delegated-access.ts';
import { PartServer } from './part-server.ts';
import type { ServingAddress } from './serving-options.ts';

export interface ServePartOptions {
  readonly address: ServingAddress | undefined;
  /** Of the API server that says who may read metrics; read anew each time, as certificates in it are renewed. */
  readonly kubeconfig: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * @param start begins the part; it may make a new registry as often as it begins anew
 * @throws CommandError when the address cannot be listened on, and what `start` throws
 */
export async function servePart(
  options: ServePartOptions,
  start: (newRegistry: () => MetricsRegistry) => Promise<Part>,
): Promise<Part> {
  let current = new MetricsRegistry();
  const newRegistry = (): MetricsRegistry => (current = new MetricsRegistry());
  const { address, clock, logger } = options;
  if (address === undefined) return start(newRegistry);
  const process = new MetricsRegistry();
  process.collectProcessMetrics();
  const certificate = address.isLoopback
    ? undefined
    : await newServingCertificate(address.host, clock);
  const server = await PartServer.start({
    address,
    logger,
    contentType: process.contentType,
    expose: async () => `${await process.expose()}\n${await current.expose()}`,
    ...(certificate === undefined ? {} : { secure: { ...certificate, access: accessOf(options) } }),
  });
  let part: Part;
  try {
    part = await start(newRegistry);
  } catch (error) {
    await server.close();
    throw error;
  }
  server.ready();
  return {
    async close() {
      // Health is shown as long as anything is still being stopped.
      try {
        await part.close();
      } finally {
        await server.close();
      }
    },
    ...(part.done === undefined ? {} : { done: part.done }),
  };
}

/** With a connection for each question: few are asked, and what the kubeconfig holds may have been renewed. */
function accessOf({ kubeconfig, clock }: ServePartOptions): Access {
  return new DelegatedAccess({
    clock,
    client: {
      async create(resource, namespace, object, signal) {
        await using client = new HttpClient({
          connection: await loadConnection(kubeconfig),
          clock,
          metrics: new MetricsRegistry(),
          userAgent: userAgent('metrics'),
          random: Math.random,
          requestTimeoutMs: 5_000,
        });
        return await client.create(resource, namespace, object, signal);
      },
    },
  });
}
