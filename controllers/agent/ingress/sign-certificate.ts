// Asks the control plane to sign a host's certificate with the cluster's own authority.
import { request } from 'undici';
import type { Dispatcher } from 'undici';
import type { Connection } from '../../machinery/kubeconfig.ts';

export interface SigningOptions {
  readonly connection: Connection;
  readonly dispatcher: Dispatcher;
  readonly nodeName: string;
}

const TIMEOUT_MS = 10_000;

/** @returns PEM with the chain. @throws Error that says why not */
export async function signCertificate(
  { connection, dispatcher, nodeName }: SigningOptions,
  host: string,
  publicKey: string,
  signal: AbortSignal,
): Promise<string> {
  const base = connection.server.href.replace(/\/?$/, '/');
  const url = `${base}windlass/v1/nodes/${encodeURIComponent(nodeName)}/certificates`;
  const { statusCode, body } = await request(url, {
    dispatcher,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(await connection.headers()) },
    body: JSON.stringify({ host, publicKey }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    headersTimeout: TIMEOUT_MS,
  });
  const text = await body.text();
  const answer = parse(text);
  const certificate = answer?.['certificate'];
  if (statusCode === 201 && typeof certificate === 'string') return certificate;
  const message = answer?.['message'];
  throw new Error(
    typeof message === 'string' ? message : `the server answered ${statusCode} without a reason`,
  );
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}
