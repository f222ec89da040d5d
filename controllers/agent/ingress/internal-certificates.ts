// Certificates for hosts from the cluster's own authority. The key is made here and never leaves this machine; both are kept in the
// agent's folder, so that a restart asks for nothing.
import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { backoffMs } from '#platform/backoff.ts';
import type { Clock } from '#platform/clock.ts';
import { loadCertificate } from './certificate.ts';
import type { Certificate } from './certificate.ts';

export interface InternalCertificatesOptions {
  /** Made when it is needed, 0700. */
  readonly folder: string;
  readonly clock: Clock;
  readonly random: () => number;
  /** PEM of the authority, to know what it signed before it was made anew; undefined: not known. */
  readonly authority: string | undefined;
  /** @param publicKey PEM. @returns PEM with the chain. Rejects with why not, in words. */
  readonly sign: (host: string, publicKey: string, signal: AbortSignal) => Promise<string>;
  readonly changed: () => void;
}

interface Wanted {
  certificate: Certificate | undefined;
  problem: string | undefined;
  failures: number;
  cancel: () => void;
}

const RENEW_BEFORE_MS = 30 * 86_400_000;
const CHECK_EVERY_MS = 3_600_000;
const RETRY = { initialMs: 1_000, maximumMs: 300_000, jitter: 0.5 };

export class InternalCertificates {
  readonly #options: InternalCertificatesOptions;
  readonly #signal: AbortSignal;
  readonly #wanted = new Map<string, Wanted>();

  constructor(options: InternalCertificatesOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.want(new Set()), { once: true });
  }

  /** Has certificates for these hosts, and no others; '' is this machine itself. */
  want(hosts: ReadonlySet<string>): void {
    for (const [host, { cancel }] of this.#wanted) {
      if (hosts.has(host)) continue;
      cancel();
      this.#wanted.delete(host);
    }
    for (const host of hosts) {
      if (this.#wanted.has(host)) continue;
      const wanted: Wanted = {
        certificate: undefined,
        problem: undefined,
        failures: 0,
        cancel: () => undefined,
      };
      this.#wanted.set(host, wanted);
      void this.#look(host, wanted);
    }
  }

  find(host: string): Certificate | undefined {
    return this.#wanted.get(host)?.certificate;
  }

  problemOf(host: string): string | undefined {
    return this.#wanted.get(host)?.problem;
  }

  async #look(host: string, wanted: Wanted): Promise<void> {
    const { clock, random, changed } = this.#options;
    let next = CHECK_EVERY_MS;
    try {
      const before = wanted.certificate;
      wanted.certificate ??= await this.#stored(host);
      if (wanted.certificate === undefined || this.#isNearItsEnd(wanted.certificate))
        wanted.certificate = await this.#issue(host);
      wanted.failures = 0;
      const isNews = wanted.problem !== undefined || wanted.certificate !== before;
      wanted.problem = undefined;
      if (isNews) changed();
    } catch (error) {
      next = backoffMs(wanted.failures, RETRY, random());
      wanted.failures += 1;
      wanted.problem = `no certificate for ${host === '' ? 'this machine' : host}: ${(error as Error).message}`;
      changed();
    }
    if (this.#signal.aborted || this.#wanted.get(host) !== wanted) return;
    wanted.cancel = clock.schedule(next, () => void this.#look(host, wanted));
  }

  #isNearItsEnd({ endsAt }: Certificate): boolean {
    return endsAt - this.#options.clock.now() < RENEW_BEFORE_MS;
  }

  async #stored(host: string): Promise<Certificate | undefined> {
    try {
      const text = await readFile(this.#fileOf(host), 'utf8');
      const { cert, key } = JSON.parse(text) as { readonly cert: string; readonly key: string };
      const { authority } = this.#options;
      const isOurs =
        authority === undefined ||
        new X509Certificate(cert).verify(new X509Certificate(authority).publicKey);
      return isOurs ? loadCertificate(cert, key) : undefined;
    } catch {
      // Absent, torn or foreign: another one is made.
      return undefined;
    }
  }

  async #issue(host: string): Promise<Certificate> {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const cert = await this.#options.sign(
      host,
      publicKey.export({ type: 'spki', format: 'pem' }),
      this.#signal,
    );
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
    const certificate = loadCertificate(cert, key);
    const file = this.#fileOf(host);
    await mkdir(this.#options.folder, { recursive: true, mode: 0o700 });
    await writeFile(`${file}.new`, JSON.stringify({ host, cert, key }), { mode: 0o600 });
    await rename(`${file}.new`, file);
    return certificate;
  }

  /** A host may be longer than a file's name. */
  #fileOf(host: string): string {
    return join(this.#options.folder, `${createHash('sha256').update(host).digest('hex')}.json`);
  }
}
