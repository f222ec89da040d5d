// Keeps the certificate of a node from ending: with a fifth of its life left it asks for another, with the one that it has. And keeps
// up with the server's authority: when that changes, the kubeconfig names both, then the new one, and the certificate is of the new one.
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
import { areSameAuthorities, readAuthorities } from '#controllers/machinery/read-authorities.ts';
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
/** So long after a change of the authority every node that runs has taken part in it. */
const LOOK_EVERY_MS = 10 * 60_000;
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
        if (await renewDue(options, connection, waitMs <= 0, signal)) {
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

/** Also when the server believes other authorities than the file names. False: there was no need. */
async function renewDue(
  options: KeepCertificateOptions,
  connection: Connection,
  isDue: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const { file, nodeName, clock } = options;
  const { ca } = connection.tls;
  if (typeof ca !== 'string' && !Buffer.isBuffer(ca)) {
    if (!isDue) return false;
    throw new Error(`${file} names no authority: its certificate is not renewed`);
  }
  await using client = new HttpClient({
    connection,
    clock,
    metrics: new MetricsRegistry(),
    userAgent: userAgent('node run'),
    random: Math.random,
  });
  const known = ca.toString();
  const authorities = (await readAuthorities(client, signal)) ?? known;
  if (!isDue && areSameAuthorities(known, authorities)) return false;
  const signed = await signNode({ ...options, client }, signal);
  const server = connection.server.href.replace(/\/$/, '');
  await writeJoinedKubeconfig({ nodeName, server, file }, authorities, signed);
  return true;
}
