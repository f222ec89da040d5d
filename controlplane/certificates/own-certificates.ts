// Keeps the server's own certificates from ending, and changes them and the authority on demand, while it serves: its serving
// certificate, those of the kubeconfig files in the data directory, and the authority that all of them come from.
import path from 'node:path';

import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';

import { seedAuthority } from '../identity/authority.ts';
import { CertificateStore } from '../identity/certificate-store.ts';
import type { CertificateRequest, KeyPair } from '../identity/issuer.ts';
import { serverNames } from '../identity/server-names.ts';
import { endOf } from '../identity/validity.ts';
import type { Kubeconfigs } from '../identity/kubeconfigs.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Longer than any certificate lives, so that none outlives what it was signed by. */
const AUTHORITY_MARGIN_MS = 400 * DAY_MS;

export interface CertificateStatus {
  /** `ca`, `server`, or whose kubeconfig file it is in. */
  readonly name: string;
  /** RFC 3339. */
  readonly expires: string;
}

export interface CertificatesStatus {
  readonly certificates: readonly CertificateStatus[];
  /** Former authorities that are believed still. */
  readonly earlierAuthorities: number;
}

export interface OwnCertificatesOptions {
  readonly dataDir: string;
  /** Address that is listened on. */
  readonly bind: string;
  /** The authority of a data directory that has none yet; absent: a new one. */
  readonly authority?: KeyPair;
  /** What to serve with, where somebody else made it. */
  readonly servingCertificate?: KeyPair;
  /** PEM of further authorities whose client certificates are believed. */
  readonly clientAuthorities?: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
}

/** Whom a change concerns. */
export interface CertificateUsers {
  readonly kubeconfigs: Kubeconfigs;
  /**
   * Serves with what there is now, and believes whom to believe now.
   *
   * @param isForgetting whoever is connected has to show again who it is
   */
  readonly apply: (isForgetting: boolean) => void;
}

export class OwnCertificates {
  readonly store: CertificateStore;
  readonly #options: OwnCertificatesOptions;
  readonly #names: CertificateRequest;
  #serving: KeyPair;
  #users: CertificateUsers | undefined;
  /** One change at a time. */
  #work: Promise<unknown> = Promise.resolve();
  #cancelTimer: (() => void) | undefined;
  #isClosed = false;

  private constructor(
    options: OwnCertificatesOptions,
    store: CertificateStore,
    names: CertificateRequest,
    serving: KeyPair,
  ) {
    this.#options = options;
    this.store = store;
    this.#names = names;
    this.#serving = serving;
  }

  /** @throws CertificateFileError when the authority's files cannot be used */
  static async open(options: OwnCertificatesOptions): Promise<OwnCertificates> {
    const { dataDir, bind, clock, servingCertificate, authority } = options;
    const folder = path.join(dataDir, 'pki');
    if (authority !== undefined) await seedAuthority(folder, authority);
    const store = await CertificateStore.open(folder, clock);
    const names = serverNames(bind);
    const serving = servingCertificate ?? (await store.ensure('server', names));
    return new OwnCertificates(options, store, names, serving);
  }

  /** What the server serves with: the authorities too, of which a machine that joins knows one by its hash, and gets it from here. */
  get serving(): KeyPair {
    if (this.#options.servingCertificate !== undefined) return this.#serving;
    const { certificate, privateKey } = this.#serving;
    return { certificate: `${certificate}${this.authorities}`, privateKey };
  }

  /** PEM of all authorities that are believed, the one that signs first. */
  get authorities(): string {
    return this.store.authority.trusted;
  }

  /** PEM of all authorities whose client certificates are believed. */
  get clientAuthority(): string {
    return `${this.authorities}${this.#options.clientAuthorities ?? ''}`;
  }

  /** Names of the server's own certificate, which nobody else gets one for. */
  get reservedNames(): readonly string[] {
    return this.#names.usage === 'server' ? this.#names.dnsNames : [];
  }

  /** Looks after them from now on, each hour. */
  start(users: CertificateUsers): void {
    this.#users = users;
    this.#options.metrics.gauge({
      name: 'windlass_certificate_expiration_timestamp_seconds',
      help: '[ALPHA] When a certificate of the server ends, in seconds since 1970.',
      labelNames: ['certificate'],
      collect: (ends) => {
        for (const [certificate, pem] of this.#all()) ends.set({ certificate }, endOf(pem) / 1000);
      },
    });
    this.#lookAgain();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer?.();
    await this.#work.catch(() => undefined);
  }

  status(): CertificatesStatus {
    return {
      certificates: this.#all().map(([name, certificate]) => ({
        name,
        expires: new Date(endOf(certificate)).toISOString().replace('.000Z', 'Z'),
      })),
      earlierAuthorities: this.store.authority.earlier,
    };
  }

  /** New keys and certificates for all but the authority. */
  renew(): Promise<CertificatesStatus> {
    return this.#exclusively(async () => this.#bringUp(true, false));
  }

  /** A new authority, and certificates of it. The former one is believed on, and believes the new one. */
  rotateAuthority(): Promise<CertificatesStatus> {
    return this.#exclusively(async () => {
      await this.store.authority.rotate();
      this.#options.logger.info('The certificate authority was changed');
      await this.#bringUp(false, false);
    });
  }

  /** Nothing that a former authority signed is believed any more. */
  forgetEarlier(): Promise<CertificatesStatus> {
    return this.#exclusively(async () => {
      await this.store.authority.forgetEarlier();
      this.#options.logger.info('Former certificate authorities are believed no more');
      await this.#bringUp(true, true);
    });
  }

  #all(): readonly (readonly [string, string])[] {
    return [
      ['ca', this.store.authority.pair.certificate],
      ['server', this.#serving.certificate],
      ...(this.#users?.kubeconfigs.certificates() ?? []),
    ];
  }

  #lookAgain(): void {
    if (this.#isClosed) return;
    const { clock, logger } = this.#options;
    this.#cancelTimer = clock.schedule(HOUR_MS, () => {
      void this.#renewDue()
        .catch((error: unknown) => logger.warn('Certificates could not be renewed', { error }))
        .finally(() => this.#lookAgain());
    });
  }

  async #renewDue(): Promise<void> {
    const left = this.store.authority.endsAt - this.#options.clock.now();
    if (left < AUTHORITY_MARGIN_MS) await this.rotateAuthority();
    else await this.#exclusively(async () => this.#bringUp(false, false));
  }

  async #exclusively(change: () => Promise<void>): Promise<CertificatesStatus> {
    const done = this.#work.catch(() => undefined).then(change);
    this.#work = done;
    await done;
    return this.status();
  }

  /** Everything as the authority and the time ask for; tells whom it concerns when something changed. */
  async #bringUp(isForced: boolean, isForgetting: boolean): Promise<void> {
    const { store } = this;
    const { servingCertificate, logger } = this.#options;
    const former = this.#serving;
    if (servingCertificate === undefined)
      this.#serving = isForced
        ? await store.renew('server', this.#names)
        : await store.ensure('server', this.#names);
    const kubeconfigs = (await this.#users?.kubeconfigs.refresh(isForced)) ?? [];
    const server = this.#serving.certificate !== former.certificate;
    if (!server && kubeconfigs.length === 0 && !isForgetting) return;
    this.#users?.apply(isForgetting);
    logger.info('Certificates were renewed', { server, kubeconfigs });
  }
}
