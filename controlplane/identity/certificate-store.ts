// The certificates of one data directory: `<data-dir>/pki/{ca,server,admin,…}.{crt,key}`, all 0600 in a 0700 folder.
// Files that still hold are used as they are; what is missing, near its end, or made for other names is issued anew.
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

import type { Clock } from '#platform/clock.ts';

import {
  certifyKey,
  certifyRequest,
  EXTENDED_USAGES,
  issueAuthority,
  issueCertificate,
} from './issuer.ts';
import type { CertificateRequest, KeyPair, RequestedCertificate, Validity } from './issuer.ts';

const DAY_MS = 86_400_000;
const AUTHORITY_VALIDITY_MS = 3650 * DAY_MS;
const CERTIFICATE_VALIDITY_MS = 365 * DAY_MS;
/** Of those for keys on other machines, which ask again in time. */
const FOREIGN_VALIDITY_MS = 90 * DAY_MS;
/** A certificate is replaced when less than this is left. */
const RENEWAL_MARGIN_MS = 30 * DAY_MS;
/** As upstream, for certificates that live as short as ten minutes. */
const REQUEST_BACKDATE_MS = 5 * 60_000;
/** Clocks of other machines may be a little behind ours. */
const BACKDATE_MS = 3_600_000;

/** A file under pki/ that is there and cannot be used. The message names the file and what to do. */
export class CertificateFileError extends Error {
  constructor(file: string, found: string, cause?: unknown) {
    super(`Cannot use ${file}: ${found}; move it away to have a new one made`, { cause });
    this.name = 'CertificateFileError';
  }
}

export class CertificateStore {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #authority: KeyPair;

  private constructor(folder: string, clock: Clock, authority: KeyPair) {
    this.#folder = folder;
    this.#clock = clock;
    this.#authority = authority;
  }

  /**
   * Opens the folder and makes the authority if there is none.
   *
   * @throws CertificateFileError when ca.crt and ca.key do not belong together, cannot be read, or have ended
   */
  static async open(folder: string, clock: Clock): Promise<CertificateStore> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    let authority = await readPair(folder, 'ca');
    if (authority === undefined) {
      authority = await issueAuthority('windlass-ca', validity(clock, AUTHORITY_VALIDITY_MS));
      await writePair(folder, 'ca', authority);
    } else if (endsAt(authority) <= clock.now()) {
      // Every kubeconfig that trusts it would break at once, so a person decides.
      throw new CertificateFileError(path.join(folder, 'ca.crt'), 'it has expired');
    }
    return new CertificateStore(folder, clock, authority);
  }

  /** The authority's certificate, PEM. */
  get authorityCertificate(): string {
    return this.#authority.certificate;
  }

  get authorityFile(): string {
    return path.join(this.#folder, 'ca.crt');
  }

  /** A new certificate that is kept nowhere here. */
  issue(request: CertificateRequest): Promise<KeyPair> {
    return issueCertificate(
      this.#authority,
      request,
      validity(this.#clock, CERTIFICATE_VALIDITY_MS),
    );
  }

  /** The certificate called `name` for exactly this request, from disk or newly issued. */
  async ensure(name: string, request: CertificateRequest): Promise<KeyPair> {
    const found = await readPair(this.#folder, name);
    if (found !== undefined && this.#holds(found, request)) return found;
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
    const holds = validity(this.#clock, FOREIGN_VALIDITY_MS);
    const certificate = await certifyKey(this.#authority, request, holds, publicKey);
    return `${certificate}${this.#authority.certificate}`;
  }

  /** What a certificate request asks for; `expirationSeconds` 0 or too many: as long as we give any. */
  certifyRequest(request: RequestedCertificate, expirationSeconds: number): Promise<string> {
    const now = this.#clock.now();
    const asked = expirationSeconds === 0 ? Infinity : expirationSeconds * 1000;
    const holds = {
      notBefore: now - REQUEST_BACKDATE_MS,
      notAfter: Math.min(now + Math.min(asked, CERTIFICATE_VALIDITY_MS), endsAt(this.#authority)),
    };
    return certifyRequest(this.#authority, request, holds);
  }

  #holds(pair: KeyPair, request: CertificateRequest): boolean {
    const certificate = new X509Certificate(pair.certificate);
    const authority = new X509Certificate(this.#authority.certificate);
    return (
      certificate.verify(authority.publicKey) &&
      endsAt(pair) - this.#clock.now() > RENEWAL_MARGIN_MS &&
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

function validity(clock: Clock, durationMs: number): Validity {
  const now = clock.now();
  return { notBefore: now - BACKDATE_MS, notAfter: now + durationMs };
}

function endsAt(pair: KeyPair): number {
  return Date.parse(new X509Certificate(pair.certificate).validTo);
}

async function readPair(folder: string, name: string): Promise<KeyPair | undefined> {
  const files = [`${name}.crt`, `${name}.key`].map((file) => path.join(folder, file));
  const [certificate, privateKey] = await Promise.all(files.map(readIfPresent));
  if (certificate === undefined || privateKey === undefined) {
    if (name === 'ca' && certificate !== privateKey) {
      throw new CertificateFileError(folder, 'only one of ca.crt and ca.key is there');
    }
    return undefined;
  }
  const pair = { certificate, privateKey };
  try {
    const parsed = new X509Certificate(certificate);
    if (!parsed.checkPrivateKey(createPrivateKey(privateKey))) {
      throw new CertificateFileError(
        path.join(folder, `${name}.key`),
        'it is not the key of the certificate beside it',
      );
    }
  } catch (error) {
    if (name !== 'ca') return undefined; // a torn leaf certificate is made again
    if (error instanceof CertificateFileError) throw error;
    throw new CertificateFileError(path.join(folder, 'ca.crt'), 'it does not parse', error);
  }
  return pair;
}

async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The key first: a certificate without its key is found and replaced, a key without its certificate harms nobody. */
async function writePair(folder: string, name: string, pair: KeyPair): Promise<void> {
  await writePrivateFile(path.join(folder, `${name}.key`), pair.privateKey);
  await writePrivateFile(path.join(folder, `${name}.crt`), pair.certificate);
}

/** Writes a file that only its owner may read, all or nothing. */
export async function writePrivateFile(file: string, content: string): Promise<void> {
  const temporary = `${file}.new`;
  await writeFile(temporary, content, { mode: 0o600, flush: true });
  await rename(temporary, file);
}
