// A certificate and its key, checked and ready for TLS.
import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { SecureContext } from 'node:tls';

export interface Certificate {
  /** PEM, with the chain. */
  readonly cert: string;
  readonly key: string;
  readonly context: SecureContext;
  /** Milliseconds since the epoch. */
  readonly endsAt: number;
}

/** @throws Error that names what is wrong and holds nothing of the key */
export function loadCertificate(cert: string, key: string): Certificate {
  let leaf: X509Certificate;
  try {
    leaf = new X509Certificate(cert);
  } catch {
    throw new Error('the certificate is not in PEM form');
  }
  try {
    return {
      cert,
      key,
      context: createSecureContext({ cert, key }),
      endsAt: Date.parse(leaf.validTo),
    };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(
      code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH'
        ? 'the key is not that of the certificate'
        : 'the key is not in PEM form, or of a kind that TLS cannot use',
      { cause: error },
    );
  }
}
