// The kubeconfig that the node agent of another machine runs with, from the authority of a data directory. The server need not run.
import path from 'node:path';

import type { Clock } from '#platform/clock.ts';

import { CertificateStore } from './identity/certificate-store.ts';
import { requestCertificate } from './identity/issuer.ts';
import { writeKubeconfig } from './identity/kubeconfig.ts';

export interface NodeKubeconfigOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly nodeName: string;
  /** URL of the API server as that machine reaches it. */
  readonly server: string;
  /** Written with mode 0600; what was there is replaced. */
  readonly file: string;
}

/** @throws CertificateFileError when the authority cannot be used; the system's error when the file cannot be written */
export async function writeNodeKubeconfig(options: NodeKubeconfigOptions): Promise<void> {
  const { dataDir, clock, nodeName, server, file } = options;
  const certificates = await CertificateStore.open(path.join(dataDir, 'pki'), clock);
  const user = userOf(nodeName);
  const client = await certificates.issue({
    usage: 'node',
    commonName: user,
    organizations: ['system:nodes'],
  });
  const authorityCertificate = certificates.authority.trusted;
  await writeKubeconfig(file, { server, authorityCertificate, user, client });
}

/** PEM, of a key that never left the machine. */
export interface NodeCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

/** A new key for a node, and the request of a certificate for it; both PEM. */
export function requestNodeCertificate(
  nodeName: string,
): Promise<{ readonly request: string; readonly privateKey: string }> {
  return requestCertificate(userOf(nodeName), ['system:nodes']);
}

/** With what an authority elsewhere signed. @param authorityCertificate PEM */
export async function writeJoinedKubeconfig(
  { nodeName, server, file }: Pick<NodeKubeconfigOptions, 'nodeName' | 'server' | 'file'>,
  authorityCertificate: string,
  client: NodeCertificate,
): Promise<void> {
  await writeKubeconfig(file, { server, authorityCertificate, user: userOf(nodeName), client });
}

function userOf(nodeName: string): string {
  return `system:node:${nodeName}`;
}
