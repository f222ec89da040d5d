// spec.ingress of a Service as the agent reads it. The server has checked it; a foreign one may not have, so what cannot be
// understood is told, not assumed.
import type { ApiObject } from '../../machinery/client-types.ts';

export type IngressProtocol = 'TCP' | 'HTTP' | 'HTTPS' | 'UDP';
export type TLSMode = 'Internal' | 'Secret' | 'Passthrough';

export interface IngressEntry {
  /** On each node. */
  readonly port: number;
  /** containerPort number, or name of a port. */
  readonly targetPort: number | string;
  readonly protocol?: IngressProtocol;
  /** Exact, or `*.example.com` for one label in front; '' for any. */
  readonly host?: string;
  /** Prefix on segment borders; '' for any. */
  readonly path?: string;
  readonly tls?: { readonly mode?: TLSMode; readonly secretName?: string };
  /** HTTPS: port where the same is redirected from HTTP; 0: none. Left out: 80 where `port` is 443, as long as nobody else is there. */
  readonly redirectFrom?: number;
}

/** Service (windlass.dev) as far as it matters here. */
export interface IngressService extends ApiObject {
  readonly spec?: { readonly ingress?: readonly IngressEntry[] };
  readonly status?: { readonly activeRevision?: string };
}

/** Where the certificate of a host comes from. */
export type CertificateSource =
  | { readonly type: 'Internal' }
  | { readonly type: 'Secret'; readonly namespace: string; readonly name: string };

/** One entry, with everything decided. */
export interface Route {
  readonly service: IngressService;
  readonly namespace: string;
  readonly name: string;
  readonly targetPort: number | string;
  readonly host: string;
  /** Without a slash at its end. */
  readonly path: string;
  readonly certificate?: CertificateSource;
  /** Requests are not led to an instance but to this port, where the same is served over TLS. */
  readonly redirectTo?: number;
}

/** Hosts are compared in lower case, without the dot that may end them. */
export function normalHost(host: string): string {
  return host.toLowerCase().replace(/\.$/, '');
}
