// Puts the ingress of a node together.
import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';
import type { Client } from '../../machinery/client-types.ts';
import { createDispatcher } from '../../machinery/dispatcher.ts';
import type { Connection } from '../../machinery/kubeconfig.ts';
import type { EndpointTable } from '../endpoints.ts';
import { Certificates } from './certificates.ts';
import type { IngressService } from './entry.ts';
import { IngressTable } from './ingress-table.ts';
import { InternalCertificates } from './internal-certificates.ts';
import { ingressMetrics } from './metrics.ts';
import { SecretCertificates } from './secret-certificates.ts';
import { signCertificate } from './sign-certificate.ts';

export interface IngressOptions {
  readonly client: Client;
  readonly connection: Connection;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly random: () => number;
  readonly nodeName: string;
  /** To listen on. */
  readonly address: string;
  /** For what it keeps. */
  readonly folder: string;
  readonly services: () => readonly IngressService[];
  readonly endpoints: EndpointTable;
  readonly warn: (service: IngressService, reason: string, message: string) => void;
}

/** Call sync() of what it returns whenever Services change. */
export function startIngress(options: IngressOptions, signal: AbortSignal): IngressTable {
  const { client, connection, clock, random, nodeName, endpoints, warn } = options;
  const logger = options.logger.child({ part: 'ingress' });
  const dispatcher = createDispatcher(connection);
  signal.addEventListener('abort', () => void dispatcher.destroy(), { once: true });
  const changed = (): void => certificates.changed();
  const { ca } = connection.tls;
  const certificates: Certificates = new Certificates({
    internal: new InternalCertificates(
      {
        folder: options.folder,
        clock,
        random,
        authority: typeof ca === 'string' || Buffer.isBuffer(ca) ? ca.toString() : undefined,
        sign: (host, publicKey, ended) =>
          signCertificate({ connection, dispatcher, nodeName }, host, publicKey, ended),
        changed,
      },
      signal,
    ),
    secrets: new SecretCertificates({ client, clock, logger, random, changed }, signal),
    warn,
  });
  const table = new IngressTable({
    clock,
    logger,
    metrics: ingressMetrics(options.metrics),
    address: options.address,
    services: options.services,
    endpoints,
    certificates,
    warn,
  });
  endpoints.onChange(() => table.endpointsChanged());
  endpoints.onDrain((podUID, limitMs) => table.drain(podUID, limitMs));
  return table;
}
