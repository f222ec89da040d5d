// From an approved request to its certificate: the names and the key of the request, the usages that were asked for, our signature.
import type { SigningRequest } from '../api/certificates/signing-request.ts';
import type { CertificateStore } from '../identity/certificate-store.ts';

/** Extended usages by upstream's words: RFC 5280, 4.2.1.12. */
const EXTENDED: Readonly<Record<string, string>> = {
  'client auth': '1.3.6.1.5.5.7.3.2',
  'server auth': '1.3.6.1.5.5.7.3.1',
};

/** PEM with nothing but the certificate, as upstream. @param expirationSeconds 0: as long as we give any */
export function signRequest(
  store: CertificateStore,
  request: SigningRequest,
  usages: readonly string[],
  expirationSeconds: number,
): Promise<string> {
  return store.certifyRequest(
    {
      commonName: request.commonName,
      organizations: request.organizations,
      dnsNames: request.dnsNames,
      ipAddresses: request.ipAddresses,
      publicKey: request.publicKey,
      isEnciphering: usages.includes('key encipherment'),
      extendedUsages: usages.flatMap((usage) => EXTENDED[usage] ?? []),
    },
    expirationSeconds,
  );
}
