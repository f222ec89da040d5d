// The credentials of a data directory's administrator, as the TLS options of a raw connection.
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

interface Kubeconfig {
  readonly clusters: readonly [
    { readonly cluster: { server: string; 'certificate-authority-data': string } },
  ];
  readonly users: readonly [
    { readonly user: { 'client-certificate-data': string; 'client-key-data': string } },
  ];
}

/** Reads the first cluster and user of a kubeconfig that Windlass wrote itself. */
export function endpointOf(kubeconfigPath: string): Endpoint {
  const config = parse(readFileSync(kubeconfigPath, 'utf8')) as Kubeconfig;
  const { cluster } = config.clusters[0];
  const { user } = config.users[0];
  const url = new URL(cluster.server);
  return {
    host: url.hostname,
    port: Number(url.port),
    ca: Buffer.from(cluster['certificate-authority-data'], 'base64'),
    cert: Buffer.from(user['client-certificate-data'], 'base64'),
    key: Buffer.from(user['client-key-data'], 'base64'),
  };
}
