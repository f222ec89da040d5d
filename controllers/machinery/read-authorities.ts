// Whom to believe, as the server says it to a node that it knows: after a change of its authority there are two for a while.
import { X509Certificate } from 'node:crypto';
import type { HttpClient } from './client.ts';
import { ConnectionError, RequestError } from './request-error.ts';

const PATH = '/windlass/v1/certificates/authorities';
const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** PEM; undefined when the server does not answer now, or is one that does not say. */
export async function readAuthorities(
  client: Pick<HttpClient, 'getPath'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const answer = await client.getPath(PATH, signal);
    const { authorities } = answer as { readonly authorities?: unknown };
    return typeof authorities === 'string' && fingerprints(authorities).length > 0
      ? authorities
      : undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof RequestError || error instanceof ConnectionError) return undefined;
    throw error;
  }
}

/** Whether both name the same authorities, in whatever order. PEM. */
export function areSameAuthorities(one: string, other: string): boolean {
  return fingerprints(one).join(' ') === fingerprints(other).join(' ');
}

function fingerprints(text: string): readonly string[] {
  const found = text.match(CERTIFICATES) ?? [];
  return [...new Set(found.map((pem) => new X509Certificate(pem).fingerprint256))].toSorted(
    (left, right) => (left < right ? -1 : 1),
  );
}
