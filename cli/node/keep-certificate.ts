// Keeps the certificate of a node from ending: with a fifth of its life left it asks for another, with the one that it has.
import { X509Certificate } from 'node:crypto';
import { HttpClient } from '#controllers/machinery/client.ts';
import { loadConnection } from '#controllers/machinery/kubeconfig.ts';
import type { Connection } from '#controllers/machinery/kubeconfig.ts';
import { writeJoinedKubeconfig } from '#controlplane/node-kubeconfig.ts';
import { sleep } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { Logger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { userAgent } from '../versions.ts';
import { signNode } from './sign-node.ts';

export interface KeepCertificateOptions {
  /** The kubeconfig, which is written anew. */
  readonly file: string;
  readonly nodeName: string;
  readonly lifetimeSeconds: number;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
}

interface Life {
  /** Milliseconds since 1970. */
  readonly begins: number;
  readonly ends: number;
}

const RENEW_AT = 0.8;
/** A timer that is longer could overflow, and a machine may sleep. */
const LOOK_EVERY_MS = 6 * 3_600_000;
const AGAIN_MS = 60_000;

/** Resolves when there is a new certificate in the file; rejects only with the signal's reason. */
export async function nextCertificate(
  options: KeepCertificateOptions,
  signal: AbortSignal,
): Promise<void> {
  const { clock, logger, nodeName } = options;
  for (;;) {
    let waitMs = AGAIN_MS;
    try {
      const connection = await loadConnection(options.file);
      const life = lifeOf(connection);
      // Whoever came with a token or a plugin keeps nothing here.
      if (life === undefined) waitMs = LOOK_EVERY_MS;
      else {
        const due = life.begins + (life.ends - life.begins) * RENEW_AT;
        waitMs = due - clock.now();
        if (waitMs <= 0) {
          await renew(options, connection, signal);
          logger.info('The certificate of this node was renewed', { node: nodeName });
          return;
        }
      }
    } catch (error) {
      signal.throwIfAborted();
      waitMs = AGAIN_MS;
      logger.warn('The certificate of this node could not be renewed; it is tried again', {
        error,
      });
    }
    await sleep(clock, Math.min(waitMs, LOOK_EVERY_MS), signal);
  }
}

/** Whether the file has a certificate that holds yet; false where there is no such file. */
export async function hasCertificate(file: string, clock: Clock): Promise<boolean> {
  const connection = await loadConnection(file).catch(() => undefined);
  const life = connection && lifeOf(connection);
  return life !== undefined && life.ends > clock.now();
}

function lifeOf({ tls }: Connection): Life | undefined {
  const { cert } = tls;
  if (typeof cert !== 'string' && !Buffer.isBuffer(cert)) return undefined;
  const { validFrom, validTo } = new X509Certificate(cert);
  return { begins: Date.parse(validFrom), ends: Date.parse(validTo) };
}

async function renew(
  options: KeepCertificateOptions,
  connection: Connection,
  signal: AbortSignal,
): Promise<void> {
  const { file, nodeName, clock } = options;
  const { ca } = connection.tls;
  if (typeof ca !== 'string' && !Buffer.isBuffer(ca))
    throw new Error(`${file} names no authority: its certificate is not renewed`);
  await using client = new HttpClient({
    connection,
    clock,
    metrics: new MetricsRegistry(),
    userAgent: userAgent('node run'),
    random: Math.random,
  });
  const signed = await signNode({ ...options, client }, signal);
  const server = connection.server.href.replace(/\/$/, '');
  await writeJoinedKubeconfig({ nodeName, server, file }, ca.toString(), signed);
}
