// Lets this machine into a cluster: from a URL and a token to a kubeconfig with a certificate of its own.
import { X509Certificate } from 'node:crypto';
import { HttpClient } from '#controllers/machinery/client.ts';
import type { Connection } from '#controllers/machinery/kubeconfig.ts';
import { ConnectionError, RequestError } from '#controllers/machinery/request-error.ts';
import { writeJoinedKubeconfig } from '#controlplane/node-kubeconfig.ts';
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { CommandError } from '../usage-error.ts';
import { userAgent } from '../versions.ts';
import type { BootstrapToken } from './bootstrap-token.ts';
import { findAuthority } from './find-authority.ts';
import { readAuthorities } from '#controllers/machinery/read-authorities.ts';
import { signNode } from './sign-node.ts';

export interface JoinOptions {
  readonly server: URL;
  readonly token: BootstrapToken;
  /** Lower-case hex. */
  readonly authorityHash: string;
  readonly nodeName: string;
  /** Where the kubeconfig is written, 0600. */
  readonly file: string;
  readonly lifetimeSeconds: number;
  readonly clock: Clock;
  readonly ids: IdSource;
}

/** @throws CommandError that says what to do */
export async function joinServer(options: JoinOptions, signal: AbortSignal): Promise<void> {
  const { server, token, authorityHash, nodeName, file, clock } = options;
  const ca = await findAuthority(server, authorityHash, clock, signal);
  const bearer = { Authorization: `Bearer ${token.id}.${token.secret}` };
  // What was found by its hash is believed as it is, also where a former authority signed it.
  const tls = { ca, allowPartialTrustChain: true };
  await using client = clientOf({ server, tls, headers: () => Promise.resolve(bearer) }, clock);
  try {
    const signed = await signNode({ ...options, client }, signal);
    const own = { ...tls, cert: signed.certificate, key: signed.privateKey };
    const asNode = { server, tls: own, headers: () => Promise.resolve({}) };
    await using node = clientOf(asNode, clock);
    const authorities = (await readAuthorities(node, signal)) ?? rootOf(ca, server);
    const url = server.href.replace(/\/$/, '');
    await writeJoinedKubeconfig({ nodeName, server: url, file }, authorities, signed);
  } catch (error) {
    signal.throwIfAborted();
    throw explained(error, server, token);
  }
}

function clientOf(connection: Connection, clock: Clock): HttpClient {
  return new HttpClient({
    connection,
    clock,
    metrics: new MetricsRegistry(),
    userAgent: userAgent('node join'),
    random: Math.random,
  });
}

/** For a server that does not say whom to believe. @throws CommandError for a certificate that others would not take for an authority's */
function rootOf(ca: string, { origin }: URL): string {
  const certificate = new X509Certificate(ca);
  if (certificate.verify(certificate.publicKey)) return ca;
  throw new CommandError(
    `${origin} has changed its authority, and does not say whom to believe from now on`,
    'Join again: it may be just starting. Else use a token and a --ca-hash of after the change.',
  );
}

function explained(error: unknown, { origin }: URL, { id }: BootstrapToken): unknown {
  if (error instanceof RequestError && error.code === 401)
    return new CommandError(
      `${origin} does not know the token ${id}.…: it has expired, was deleted, or was mistyped`,
      'windlass token list shows those that hold; windlass token create makes a new one.',
      { cause: error },
    );
  if (error instanceof RequestError && error.code === 403)
    return new CommandError(
      `${origin} knows the token ${id}.… and does not let it ask for certificates: ${error.message}`,
      'Its auth-extra-groups must have a group that may; windlass token create makes one that has.',
      { cause: error },
    );
  if (error instanceof ConnectionError || error instanceof RequestError)
    return new CommandError(error.message, undefined, { cause: error });
  return error;
}
