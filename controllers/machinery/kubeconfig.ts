// Reads a kubeconfig and gives what a connection needs: address, TLS options, headers. client-node does it where the kubeconfig is not
// a plain one, and is loaded then, not at import: its generated models cost half a second and 60 MB.
import type { KubeConfig } from '@kubernetes/client-node';
import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import type { buildConnector } from 'undici';
import { plainConnection } from './plain-kubeconfig.ts';

type DispatcherOptions = ReturnType<KubeConfig['createDispatcherOptions']>;

/** How to reach and convince one API server. */
export interface Connection {
  /** Base URL; may carry a path prefix. */
  readonly server: URL;
  /** CA, client certificate, server name … for `tls.connect`, also for WebSockets of the same server. */
  readonly tls: buildConnector.BuildOptions &
    Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'allowPartialTrustChain'>;
  readonly proxy?: { readonly type: 'http' | 'socks'; readonly uri: string };
  /** `Authorization` and impersonation headers, as they are now: exec plugins and token files are asked again when due. */
  headers(): Promise<Readonly<Record<string, string>>>;
}

/**
 * Loads the current context of a kubeconfig file.
 *
 * @throws Error naming the file when it cannot be read, parsed, or has no current cluster
 */
export async function loadConnection(path: string): Promise<Connection> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const plain = plainConnection(text);
  if (plain !== undefined) return plain;
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    config.loadFromFile(path);
  } catch (error) {
    throw new Error(`Cannot read kubeconfig ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return connectionOf(config, path);
}

/** @param source names the configuration in errors */
export async function connectionOf(config: KubeConfig, source: string): Promise<Connection> {
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw new Error(
      `Cannot use kubeconfig ${source}: its current-context ${JSON.stringify(config.getCurrentContext())} names no cluster`,
    );
  }
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const dispatcher = config.createDispatcherOptions(cluster, tlsOf(options));
  return {
    server: new URL(cluster.server),
    // The same options, but for undici's stricter notion of an absent field.
    tls: tlsOfDispatcher(dispatcher) as Connection['tls'],
    ...(dispatcher.type === 'proxy' ? { proxy: { type: 'http', uri: dispatcher.uri } } : {}),
    ...(dispatcher.type === 'socks' ? { proxy: { type: 'socks', uri: dispatcher.uri } } : {}),
    async headers() {
      const fresh: RequestOptions = {};
      await config.applyToHTTPSOptions(fresh);
      return headersOf(fresh);
    },
  };
}

function tlsOfDispatcher(options: DispatcherOptions): object {
  switch (options.type) {
    case 'agent':
      return options.connect;
    case 'proxy':
    case 'socks':
      return options.requestTls;
    case 'none':
      return {};
  }
}

type TLSFields = Pick<
  RequestOptions,
  'ca' | 'cert' | 'key' | 'pfx' | 'passphrase' | 'rejectUnauthorized' | 'servername'
>;

function tlsOf(options: RequestOptions): TLSFields {
  const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = options;
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(pfx === undefined ? {} : { pfx }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    ...(servername === undefined ? {} : { servername }),
  };
}

function headersOf(options: RequestOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    if (typeof value === 'string') headers[name] = value;
  }
  if (typeof options.auth === 'string') {
    headers['Authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  }
  return headers;
}
