// Who agents are to each other: the certificate of their node, of the cluster's own authority. One that is for something else (an
// administrator, a controller) opens nothing here.
import { X509Certificate } from 'node:crypto';
import type { ConnectionOptions, PeerCertificate } from 'node:tls';
import type { Connection } from '../../machinery/kubeconfig.ts';

/** For ALPN: this protocol, in this version. */
export const PEER_PROTOCOL = 'windlass-peer/1';

const USER_PREFIX = 'system:node:';
const NODE_GROUP = 'system:nodes';
const SERVER_AUTHENTICATION = '1.3.6.1.5.5.7.3.1';

/** What both ends of a connection between agents are opened with. */
export interface PeerCredentials {
  readonly ca: NonNullable<ConnectionOptions['ca']>;
  readonly cert: NonNullable<ConnectionOptions['cert']>;
  readonly key: NonNullable<ConnectionOptions['key']>;
  readonly minVersion: 'TLSv1.3';
  readonly ALPNProtocols: string[];
}

/** @throws Error saying why this kubeconfig is of no use between agents, and what to do */
export function peerCredentials(
  { tls }: Pick<Connection, 'tls'>,
  nodeName: string,
): PeerCredentials {
  const { ca, cert, key } = tls;
  if (ca === undefined || cert === undefined || key === undefined)
    throw new Error(
      'the kubeconfig holds no client certificate with its authority: other machines cannot know this one by a token',
    );
  const certificate = new X509Certificate(
    Buffer.from(String(Array.isArray(cert) ? cert[0] : cert)),
  );
  // The types know nothing of certificates without the extension.
  const usages = certificate.keyUsage as readonly string[] | undefined;
  if (!(usages ?? []).includes(SERVER_AUTHENTICATION))
    throw new Error(
      'the certificate of the kubeconfig is for clients only: have the control plane write the kubeconfig of this node again',
    );
  const subject = certificate.subject.split('\n');
  if (!subject.includes(`CN=${USER_PREFIX}${nodeName}`) || !subject.includes(`O=${NODE_GROUP}`))
    throw new Error(`the certificate of the kubeconfig is not that of node ${nodeName}`);
  return { ca, cert, key, minVersion: 'TLSv1.3', ALPNProtocols: [PEER_PROTOCOL] };
}

/** Name of the node that a verified certificate is for; undefined when it is for anything else. */
export function nodeOf(certificate: Partial<Pick<PeerCertificate, 'subject'>>): string | undefined {
  const { CN, O } = certificate.subject ?? {};
  const groups: readonly (string | undefined)[] = Array.isArray(O) ? O : [O];
  if (typeof CN !== 'string' || !CN.startsWith(USER_PREFIX) || !groups.includes(NODE_GROUP))
    return undefined;
  return CN.slice(USER_PREFIX.length);
}
