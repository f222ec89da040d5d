// The one connection pool of a client: kept-alive HTTP/1.1 connections, through a proxy where the kubeconfig names one.
import { createSecureContext } from 'node:tls';
import type { SecureContext } from 'node:tls';
import { Pool, ProxyAgent } from 'undici';
import type { Dispatcher } from 'undici';
import type { Connection } from './kubeconfig.ts';

/** @throws Error for a proxy that is not supported */
export function createDispatcher({ server, tls, proxy }: Connection): Dispatcher {
  // HTTP/2 in Node measured slower, and its one connection would let a large list delay every watch.
  const shared = { allowH2: false, bodyTimeout: 0, headersTimeout: 0, keepAliveTimeout: 30_000 };
  switch (proxy?.type) {
    case undefined:
      return new Pool(server.origin, { ...shared, connect: { ...tls, ...secretsOf(tls) } });
    case 'http':
      return new ProxyAgent({ ...shared, uri: proxy.uri, requestTls: tls });
    case 'socks':
      throw new Error(
        `Cannot use the proxy ${proxy.uri}: SOCKS is not supported; use an HTTP proxy`,
      );
  }
}

/** Certificates and key are read once: some forty watches have a connection each. What cannot be read fails where it is connected. */
function secretsOf(tls: Connection['tls']): { readonly secureContext?: SecureContext } {
  if ('pfx' in tls || 'passphrase' in tls) return {};
  const { ca, cert, key, allowPartialTrustChain } = tls;
  try {
    return { secureContext: createSecureContext({ ca, cert, key, allowPartialTrustChain }) };
  } catch {
    return {};
  }
}
