// The one connection pool of a client: kept-alive HTTP/1.1 connections, through a proxy where the kubeconfig names one.
import { Pool, ProxyAgent } from 'undici';
import type { Dispatcher } from 'undici';
import type { Connection } from './kubeconfig.ts';

/** @throws Error for a proxy that is not supported */
export function createDispatcher({ server, tls, proxy }: Connection): Dispatcher {
  // HTTP/2 in Node measured slower, and its one connection would let a large list delay every watch.
  const shared = { allowH2: false, bodyTimeout: 0, headersTimeout: 0, keepAliveTimeout: 30_000 };
  switch (proxy?.type) {
    case undefined:
      return new Pool(server.origin, { ...shared, connect: tls });
    case 'http':
      return new ProxyAgent({ ...shared, uri: proxy.uri, requestTls: tls });
    case 'socks':
      throw new Error(
        `Cannot use the proxy ${proxy.uri}: SOCKS is not supported; use an HTTP proxy`,
      );
  }
}
