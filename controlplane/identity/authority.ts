// The certificate authority of one data directory, and those before it. `ca.crt` holds the certificates that are believed, its own
// first; `ca.key` its key; `ca-chain.crt` the way from its own certificate to the one before: the same key, certified by the former
// authority (RFC 4210 §4.4 calls it new-with-old), so that whoever knows only that one believes what is issued now.
import { X509Certificate } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';

import type { Clock } from '#platform/clock.ts';

import { certifyAuthority, issueAuthority } from './issuer.ts';
import type { KeyPair } from './issuer.ts';
import {
  belongTogether,
  CertificateFileError,
  readIfPresent,
  readPair,
  writePair,
  writePrivateFile,
} from './pair-files.ts';
import { endOf, validFor } from './validity.ts';

const DAY_MS = 86_400_000;
const VALIDITY_MS = 3650 * DAY_MS;
const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** What is to become `ca`, while that is being changed. */
const NEXT = 'ca-next';

export class Authority {
  readonly #folder: string;
  readonly #clock: Clock;
  #pair: KeyPair;
  #earlier: readonly string[];
  #chain: readonly string[];

  private constructor(
    folder: string,
    clock: Clock,
    pair: KeyPair,
    earlier: readonly string[],
    chain: readonly string[],
  ) {
    this.#folder = folder;
    this.#clock = clock;
    this.#pair = pair;
    this.#earlier = earlier;
    this.#chain = chain;
  }

  /**
   * Makes one if there is none, and finishes a change that was cut short.
   *
   * @throws CertificateFileError when ca.crt and ca.key do not belong together, cannot be read, or have ended
   */
  static async open(folder: string, clock: Clock): Promise<Authority> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await finishChange(folder);
    const found = await readAuthority(folder);
    if (found === undefined) {
      const made = await issueAuthority('windlass-ca', validFor(clock, VALIDITY_MS));
      await writePair(folder, 'ca', made);
      return new Authority(folder, clock, made, [], []);
    }
    const [own = '', ...earlier] = certificatesIn(found.certificate);
    const file = path.join(folder, 'ca.crt');
    if (endOf(own) <= clock.now()) throw new CertificateFileError(file, 'it has expired');
    const pair = { certificate: own, privateKey: found.privateKey };
    const chain = certificatesIn((await readIfPresent(chainFile(folder))) ?? '');
    const held = earlier.filter((one) => endOf(one) > clock.now());
    return new Authority(folder, clock, pair, held, chainOf(own, held, chain));
  }

  /** What signs; the certificate alone. */
  get pair(): KeyPair {
    return this.#pair;
  }

  /** PEM of all that are believed, the one that signs first. */
  get trusted(): string {
    return [this.#pair.certificate, ...this.#earlier].join('');
  }

  get file(): string {
    return path.join(this.#folder, 'ca.crt');
  }

  /** PEM that whoever shows a certificate of ours shows behind it; '' when there is no earlier authority. */
  get chain(): string {
    return this.#chain.join('');
  }

  /** How many earlier ones are believed. */
  get earlier(): number {
    return this.#earlier.length;
  }

  /** Milliseconds since the epoch. */
  get endsAt(): number {
    return endOf(this.#pair.certificate);
  }

  /** A new key and certificate. The former is believed until its end or {@link forgetEarlier}; its key is gone. */
  async rotate(): Promise<void> {
    const former = this.#pair;
    const pair = await issueAuthority('windlass-ca', validFor(this.#clock, VALIDITY_MS));
    const holds = { ...validFor(this.#clock, 0), notAfter: endOf(former.certificate) };
    const cross = await certifyAuthority(former, pair.certificate, holds);
    const earlier = [former.certificate, ...this.#earlier];
    const chain = [cross, ...this.#chain];
    // Read by either authority: each finds its own beginning in it.
    await writePrivateFile(chainFile(this.#folder), chain.join(''));
    await this.#become(pair, earlier);
    this.#chain = chain;
  }

  /** Believes nothing any more that an earlier authority signed. */
  async forgetEarlier(): Promise<void> {
    await this.#become(this.#pair, []);
    this.#chain = [];
    await rm(chainFile(this.#folder), { force: true });
  }

  async #become(pair: KeyPair, earlier: readonly string[]): Promise<void> {
    const certificate = [pair.certificate, ...earlier].join('');
    // From the second file of these on, a start finishes the change; before, it undoes it.
    await writePair(this.#folder, NEXT, { ...pair, certificate });
    await finishChange(this.#folder);
    const written = await readAuthority(this.#folder);
    if (written?.certificate !== certificate)
      throw new Error(`${this.file} was changed by somebody else at the same time`);
    this.#pair = pair;
    this.#earlier = earlier;
  }
}

/**
 * Begins a folder that has no authority with this one; whatever it has stays.
 *
 * @throws CertificateFileError when certificate and key do not belong together, or another key is there
 */
export async function seedAuthority(folder: string, pair: KeyPair): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = path.join(folder, 'ca.key');
  if ((await readIfPresent(path.join(folder, 'ca.crt'))) !== undefined) return;
  const key = await readIfPresent(file);
  if (key !== undefined && key !== pair.privateKey)
    throw new CertificateFileError(file, 'it is not the key of the authority that was given');
  let isPair = false;
  try {
    isPair = belongTogether(pair);
  } catch {
    // Said below.
  }
  if (!isPair)
    throw new CertificateFileError(
      path.join(folder, 'ca.crt'),
      'the certificate and the key of the authority that was given do not belong together',
    );
  await writePair(folder, 'ca', pair);
}

async function readAuthority(folder: string): Promise<KeyPair | undefined> {
  const files = ['ca.crt', 'ca.key'].map((file) => path.join(folder, file));
  const [certificate, privateKey] = await Promise.all(files.map(readIfPresent));
  if (certificate === undefined && privateKey === undefined) return undefined;
  if (certificate === undefined || privateKey === undefined)
    throw new CertificateFileError(folder, 'only one of ca.crt and ca.key is there');
  const pair = { certificate, privateKey };
  try {
    for (const one of certificatesIn(certificate)) endOf(one);
    if (belongTogether(pair)) return pair;
  } catch (error) {
    throw new CertificateFileError(path.join(folder, 'ca.crt'), 'it does not parse', error);
  }
  throw new CertificateFileError(
    path.join(folder, 'ca.key'),
    'it is not the key of the certificate beside it',
  );
}

/** Whatever of the change was done: its certificate is written last, and the key is moved first. */
async function finishChange(folder: string): Promise<void> {
  const file = (name: string): string => path.join(folder, name);
  const certificate = await readIfPresent(file(`${NEXT}.crt`));
  if (certificate === undefined) return rm(file(`${NEXT}.key`), { force: true });
  if ((await readPair(folder, NEXT)) !== undefined)
    await moveIfThere(file(`${NEXT}.key`), file('ca.key'));
  const privateKey = (await readIfPresent(file('ca.key'))) ?? '';
  if (privateKey !== '' && belongTogether({ certificate, privateKey }))
    return moveIfThere(file(`${NEXT}.crt`), file('ca.crt'));
  await rm(file(`${NEXT}.key`), { force: true });
  await rm(file(`${NEXT}.crt`), { force: true });
}

/** Another process that opened the folder at the same time may have moved it. */
async function moveIfThere(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

function chainFile(folder: string): string {
  return path.join(folder, 'ca-chain.crt');
}

function certificatesIn(text: string): readonly string[] {
  return (text.match(CERTIFICATES) ?? []).map((one) => `${one}\n`);
}

/** What of `found` leads from `own` to one of `earlier`, link by link. */
function chainOf(
  own: string,
  earlier: readonly string[],
  found: readonly string[],
): readonly string[] {
  const chain: string[] = [];
  let key = new X509Certificate(own).publicKey;
  for (const former of earlier) {
    const issuer = new X509Certificate(former).publicKey;
    const link = found.find((one) => {
      const certificate = new X509Certificate(one);
      return certificate.publicKey.equals(key) && certificate.verify(issuer);
    });
    if (link === undefined) break;
    chain.push(link);
    key = issuer;
  }
  return chain;
}
