// Tokens of one issuer of OpenID Connect. Its keys are fetched when the first token comes and again when a token names one that is not
// known; a token whose signature was good is believed for some seconds without looking again.
import type * as Jose from 'jose';

import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';

import { isObject, listAt, numberAt, stringAt } from '../api/fields.ts';
import type { TokenAuthenticator, TokenUser } from '../identity/token-authenticator.ts';

import { fetchJSON } from './fetch-json.ts';
import { userOfClaims } from './jwt-issuer.ts';
import type { JwtIssuerSettings } from './jwt-issuer.ts';
import { parseToken } from './jwt.ts';

const BELIEVED_MS = 10_000;
/** Keys are not asked for more often, whatever tokens name. */
const REFETCH_MS = 10_000;
/** A key that the issuer took back is forgotten after so long. */
const FRESH_MS = 10 * 60_000;
const SKEW_SECONDS = 10;
const REMEMBERED_TOKENS = 4096;

type KeySet = ReturnType<typeof Jose.createLocalJWKSet>;

interface Believed {
  readonly user: TokenUser['user'];
  readonly audiences: readonly string[];
  /** Both in milliseconds, by the clock's now(). */
  readonly until: number;
}

export interface OidcOptions {
  readonly settings: JwtIssuerSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The audience of this server, that its own tokens have. */
  readonly audience: string;
}

export class OidcTokens implements TokenAuthenticator {
  readonly #options: OidcOptions;
  /** Oldest first. */
  readonly #believed = new Map<string, Believed>();
  #keys: KeySet | undefined;
  #fetching: Promise<KeySet | undefined> | undefined;
  #fetchedAt = -Infinity;

  constructor(options: OidcOptions) {
    this.#options = options;
  }

  authenticate(
    token: string,
    audiences: readonly string[],
  ): TokenUser | undefined | Promise<TokenUser | undefined> {
    const { settings, audience, clock } = this.#options;
    // They are for this server.
    if (audiences.length > 0 && !audiences.includes(audience)) return undefined;
    const known = this.#believed.get(token);
    if (known !== undefined && known.until > clock.now())
      return { user: known.user, audiences: [audience] };
    const parsed = parseToken(token);
    if (parsed === undefined || parsed.claims['iss'] !== settings.url) return undefined;
    return this.#verify(token);
  }

  async #verify(token: string): Promise<TokenUser | undefined> {
    const { settings, audience, clock } = this.#options;
    const checks = {
      issuer: settings.url,
      audience: [...settings.audiences],
      algorithms: [...settings.algorithms],
      clockTolerance: SKEW_SECONDS,
      requiredClaims: ['exp'],
    };
    const { errors, jwtVerify } = await loadJose();
    const check = (keys: KeySet) =>
      jwtVerify(token, keys, { ...checks, currentDate: new Date(clock.now()) });
    try {
      const isFresh = clock.monotonic() - this.#fetchedAt < FRESH_MS;
      const keys = isFresh ? (this.#keys ?? (await this.#fetch())) : await this.#fetch();
      if (keys === undefined) return undefined;
      const { payload } = await check(keys).catch(async (error: unknown) => {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        const newer = await this.#fetch();
        if (newer === undefined || newer === keys) throw error;
        return check(newer);
      });
      const user = userOfClaims(settings, payload);
      if (user === undefined) return undefined;
      this.#believe(token, user, numberAt(payload, 'exp') * 1000);
      return { user, audiences: [audience] };
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
      // The code says what is wrong; the message may show claims.
      const { url } = settings;
      this.#options.logger.debug('A token was refused', { issuer: url, why: error.code });
      return undefined;
    }
  }

  #believe(token: string, user: TokenUser['user'], ends: number): void {
    const { audience, clock } = this.#options;
    this.#believed.delete(token);
    if (this.#believed.size >= REMEMBERED_TOKENS) {
      for (const oldest of this.#believed.keys()) {
        this.#believed.delete(oldest);
        break;
      }
    }
    const until = Math.min(ends, clock.now() + BELIEVED_MS);
    this.#believed.set(token, { user, audiences: [audience], until });
  }

  /** The issuer's keys as they are now; those that were known when they were asked for just now, or cannot be had. */
  #fetch(): Promise<KeySet | undefined> {
    if (this.#fetching !== undefined) return this.#fetching;
    const { clock, logger, settings } = this.#options;
    if (clock.monotonic() - this.#fetchedAt < REFETCH_MS) return Promise.resolve(this.#keys);
    this.#fetchedAt = clock.monotonic();
    this.#fetching = fetchKeys(settings)
      .then(
        (keys) => {
          this.#keys = keys;
        },
        (error: unknown) =>
          logger.warn('The keys of an issuer cannot be had', { issuer: settings.url, error }),
      )
      .then(() => {
        this.#fetching = undefined;
        return this.#keys;
      });
    return this.#fetching;
  }
}

async function fetchKeys(settings: JwtIssuerSettings): Promise<KeySet> {
  const { url, discoveryURL, certificateAuthority } = settings;
  const discovery = discoveryURL ?? `${url.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const document = await fetchJSON(discovery, certificateAuthority);
  if (stringAt(document, 'issuer') !== url)
    throw new Error(`${discovery} is of another issuer: ${stringAt(document, 'issuer')}`);
  const location = stringAt(document, 'jwks_uri');
  if (!location.startsWith('https://')) throw new Error(`${discovery}: jwks_uri is no https URL`);
  const keys = await fetchJSON(location, certificateAuthority);
  if (!isObject(keys) || listAt(keys, 'keys').length === 0)
    throw new Error(`${location} holds no keys`);
  const { createLocalJWKSet } = await loadJose();
  return createLocalJWKSet(keys as unknown as Jose.JSONWebKeySet);
}

/** Only where there is an issuer: a start without one need not pay for it. */
function loadJose(): Promise<typeof Jose> {
  return import('jose');
}
