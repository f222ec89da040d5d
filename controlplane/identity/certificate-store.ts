// The certificates of one data directory: `<data-dir>/pki/{ca,server,admin,…}.{crt,key}`, all 0600 in a 0700 folder.
// Files that still hold are used as they are; what is missing, near its end, or made for other names is issued anew.
import { X509Certificate } from 'node:crypto';

import type { Clock } from '#platform/clock.ts';

import { Authority } from './authority.ts';
import { certifyKey, certifyRequest, EXTENDED_USAGES, issueCertificate } from './issuer.ts';
import type { CertificateRequest, KeyPair, RequestedCertificate } from './issuer.ts';
import { readPair, writePair } from './pair-files.ts';
import { endOf, validFor } from './validity.ts';

const DAY_MS = 86_400_000;
const CERTIFICATE_VALIDITY_MS = 365 * DAY_MS;
/** Of those for keys on other machines, which ask again in time. */
const FOREIGN_VALIDITY_MS = 90 * DAY_MS;
/** A certificate is replaced when less than this is left. */
const RENEWAL_MARGIN_MS = 30 * DAY_MS;
/** As upstream, for certificates that live as short as ten minutes. */
const REQUEST_BACKDATE_MS = 5 * 60_000;

export class CertificateStore {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly authority: Authority;

  private constructor(folder: string, clock: Clock, authority: Authority) {
    this.#folder = folder;
    this.#clock = clock;
    this.authority = authority;
  }

  /** @throws CertificateFileError when the authority's files cannot be used */
  static async open(folder: string, clock: Clock): Promise<CertificateStore> {
    return new CertificateStore(folder, clock, await Authority.open(folder, clock));
  }

  /** A new certificate, with its chain, that is kept nowhere here. */
  async issue(request: CertificateRequest): Promise<KeyPair> {
    const { pair, chain } = this.authority;
    const holds = validFor(this.#clock, CERTIFICATE_VALIDITY_MS);
    const issued = await issueCertificate(pair, request, holds);
    return { ...issued, certificate: `${issued.certificate}${chain}` };
  }

  /** The certificate called `name` for exactly this request, from disk or newly issued. */
  async ensure(name: string, request: CertificateRequest): Promise<KeyPair> {
    const found = await readPair(this.#folder, name);
    if (found !== undefined && this.#holds(found, request)) return found;
    return this.renew(name, request);
  }

  /** The same, newly issued in any case. */
  async renew(name: string, request: CertificateRequest): Promise<KeyPair> {
    const issued = await this.issue(request);
    await writePair(this.#folder, name, issued);
    return issued;
  }

  /**
   * A certificate with the chain, for a key that stays where it is.
   *
   * @throws Error when `publicKey` is not PEM of an ECDSA key on P-256
   */
  async certify(request: CertificateRequest, publicKey: string): Promise<string> {
    const { pair, chain } = this.authority;
    const holds = validFor(this.#clock, FOREIGN_VALIDITY_MS);
    const certificate = await certifyKey(pair, request, holds, publicKey);
    return `${certificate}${chain}${pair.certificate}`;
  }

  /** What a certificate request asks for; `expirationSeconds` 0 or too many: as long as we give any. */
  async certifyRequest(request: RequestedCertificate, expirationSeconds: number): Promise<string> {
    const { pair, chain, endsAt } = this.authority;
    const now = this.#clock.now();
    const asked = expirationSeconds === 0 ? Infinity : expirationSeconds * 1000;
    const holds = {
      notBefore: now - REQUEST_BACKDATE_MS,
      notAfter: Math.min(now + Math.min(asked, CERTIFICATE_VALIDITY_MS), endsAt),
    };
    return `${await certifyRequest(pair, request, holds)}${chain}`;
  }

  #holds(pair: KeyPair, request: CertificateRequest): boolean {
    const certificate = new X509Certificate(pair.certificate);
    const authority = new X509Certificate(this.authority.pair.certificate);
    return (
      certificate.verify(authority.publicKey) &&
      endOf(pair.certificate) - this.#clock.now() > RENEWAL_MARGIN_MS &&
      isFor(certificate, request)
    );
  }
}

function isFor(certificate: X509Certificate, request: CertificateRequest): boolean {
  if (request.usage === 'server') {
    return (
      request.dnsNames.every((name) => certificate.checkHost(name) !== undefined) &&
      request.ipAddresses.every((address) => certificate.checkIP(address) !== undefined)
    );
  }
  const wanted = [
    ...request.organizations.map((group) => `O=${group}`),
    `CN=${request.commonName}`,
  ];
  const usages = certificate.keyUsage ?? [];
  return (
    certificate.subject === wanted.join('\n') &&
    EXTENDED_USAGES[request.usage].every((usage) => usages.includes(usage))
  );
}
