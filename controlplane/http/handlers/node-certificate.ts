// POST /windlass/v1/nodes/<node>/certificates: a node asks for the certificate of a host that the ingress of a Service names. Only for
// such a host: what a node could have signed beyond that, it could pretend to be.
import { ApiError, badRequest, methodNotAllowed } from '../../api/errors.ts';

import type { Handler } from '../context.ts';
import { isInternalHost } from '../ingress-hosts.ts';
import { readBody } from '../request-body.ts';
import { sendJSON } from '../respond.ts';
import type { Services } from '../services.ts';

/** The name of the node in such a path; undefined for any other path. */
export function certificatesPath(path: string): string | undefined {
  return /^\/windlass\/v1\/nodes\/([a-z0-9.-]+)\/certificates$/.exec(path)?.[1];
}

export function nodeCertificateHandler(services: Services): Handler {
  return async (context) => {
    if (context.info.method !== 'POST') throw methodNotAllowed();
    const node = certificatesPath(context.info.path) ?? '';
    const { host, publicKey } = requestOf(await readBody(context.request));
    if (services.certificates.reserved.includes(host))
      throw forbiddenHost(host, 'it is a name of the API server');
    if (!isInternalHost(services.store, host))
      throw forbiddenHost(host, 'no ingress has this host with tls.mode Internal');
    const names =
      host === ''
        ? { dnsNames: ['localhost', node], ipAddresses: ['127.0.0.1', '::1'] }
        : { dnsNames: [host], ipAddresses: [] };
    const request = { usage: 'server', commonName: host === '' ? node : host, ...names } as const;
    let certificate: string;
    try {
      certificate = await services.certificates.certify(request, publicKey);
    } catch (error) {
      throw badRequest('publicKey must be the PEM of an ECDSA key on P-256', error);
    }
    services.logger.info('Certificate issued for ingress', { node, host });
    sendJSON(context, 201, { certificate });
  };
}

function requestOf(body: Buffer): { readonly host: string; readonly publicKey: string } {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw badRequest('the body must be JSON: {"host": …, "publicKey": …}', error);
  }
  const { host, publicKey } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof host !== 'string' || host.length > 253)
    throw badRequest('host must be a string of at most 253 characters');
  if (typeof publicKey !== 'string') throw badRequest('publicKey must be a string');
  return { host, publicKey };
}

function forbiddenHost(host: string, why: string): ApiError {
  return new ApiError(403, 'Forbidden', `no certificate for ${JSON.stringify(host)}: ${why}`);
}
