// Certificates out of Secrets of type kubernetes.io/tls, followed as they change: the next handshake has the new one, connections that
// are open keep theirs.
import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import type { ApiObject, Client } from '../../machinery/client-types.ts';
import { Informer } from '../../machinery/informer.ts';
import { SECRETS } from '../references.ts';
import { loadCertificate } from './certificate.ts';
import type { Certificate } from './certificate.ts';

export interface SecretCertificatesOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  /** It was there for the first time, is another one, or is gone. */
  readonly changed: () => void;
}

interface TLSSecret extends ApiObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

interface Followed {
  readonly stop: AbortController;
  certificate: Certificate | undefined;
  /** Why there is none. */
  problem: string | undefined;
}

const TLS_TYPE = 'kubernetes.io/tls';

export class SecretCertificates {
  readonly #options: SecretCertificatesOptions;
  readonly #signal: AbortSignal;
  /** By `namespace/name`. */
  readonly #followed = new Map<string, Followed>();

  constructor(options: SecretCertificatesOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** Follows these, `namespace/name`, and no others. */
  want(keys: ReadonlySet<string>): void {
    for (const [key, { stop }] of this.#followed) {
      if (keys.has(key)) continue;
      stop.abort(new Error('no Service refers to it any more'));
      this.#followed.delete(key);
    }
    for (const key of keys) if (!this.#followed.has(key)) this.#follow(key);
  }

  find(key: string): Certificate | undefined {
    return this.#followed.get(key)?.certificate;
  }

  problemOf(key: string): string | undefined {
    return this.#followed.get(key)?.problem;
  }

  #follow(key: string): void {
    const { client, clock, logger, random, changed } = this.#options;
    const [namespace = '', name = ''] = key.split('/');
    const followed: Followed = {
      stop: new AbortController(),
      certificate: undefined,
      problem: undefined,
    };
    this.#followed.set(key, followed);
    const informer = new Informer<TLSSecret>({
      client,
      clock,
      logger,
      random,
      resource: SECRETS,
      selectors: { namespace, fieldSelector: `metadata.name=${name}` },
    });
    const take = (secret: TLSSecret | undefined): void => {
      try {
        followed.certificate = certificateOf(secret, key);
        followed.problem = undefined;
      } catch (error) {
        followed.problem = (error as Error).message;
        // One that cannot be used must not take down the one that can.
        if (secret === undefined) followed.certificate = undefined;
      }
      changed();
    };
    informer.onChange((change) => take(change.type === 'Deleted' ? undefined : change.object));
    const signal = AbortSignal.any([this.#signal, followed.stop.signal]);
    void informer.run(signal);
    informer.synced(signal).then(
      () => {
        if (informer.cache.size === 0) take(undefined);
      },
      () => undefined,
    );
  }
}

function certificateOf(secret: TLSSecret | undefined, key: string): Certificate {
  if (secret === undefined) throw new Error(`Secret ${key} does not exist`);
  if (secret.type !== TLS_TYPE)
    throw new Error(`Secret ${key} has type ${secret.type ?? 'Opaque'}: it must be ${TLS_TYPE}`);
  const text = (field: string): string =>
    Buffer.from(secret.data?.[field] ?? '', 'base64').toString('utf8');
  try {
    return loadCertificate(text('tls.crt'), text('tls.key'));
  } catch (error) {
    throw new Error(
      `Secret ${key} cannot be used: ${(error as Error).message} (tls.crt, tls.key)`,
      { cause: error },
    );
  }
}
