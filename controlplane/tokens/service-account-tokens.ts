// Tokens of service accounts: made for an account and perhaps bound to an object, believed while both exist. What a token says is checked
// once; that account and object are still there, with each request.
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';

import { storedJSON } from '../registry/objects.ts';
import { fieldAt, listAt, numberAt, objectAt, stringAt } from '../api/fields.ts';
import type { JSONObject } from '../api/fields.ts';
import type { TokenAuthenticator, TokenUser } from '../identity/token-authenticator.ts';
import type { Store, StoredObject } from '../store/types.ts';

import { isSignedBy, parseToken, signToken } from './jwt.ts';
import type { SigningKeys } from './signing-keys.ts';

const PRIVATE = 'kubernetes.io';
/** Claims of tokens in Secrets, which have no end. */
const LEGACY_ISSUER = 'kubernetes/serviceaccount';
const LEGACY = 'kubernetes.io/serviceaccount';
/** Clocks of other machines may be a little ahead of ours. */
const SKEW_SECONDS = 60;
/** What is being deleted still counts for so long. */
const DELETION_LEEWAY_MS = 60_000;
const REMEMBERED_TOKENS = 4096;

/** An object that a token lives and dies with. */
export interface BoundObject {
  readonly kind: 'Pod' | 'Secret' | 'Node';
  readonly name: string;
  readonly uid: string;
}

export interface TokenWish {
  readonly namespace: string;
  readonly account: { readonly name: string; readonly uid: string };
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
  /** For a Pod that runs on a node both. */
  readonly bound: readonly BoundObject[];
}

/** What is kept of a token whose signature was good. */
interface KnownToken {
  readonly namespace: string;
  readonly account: string;
  readonly accountUID: string;
  readonly bound: readonly BoundObject[];
  readonly audiences: readonly string[];
  /** Seconds since the epoch. */
  readonly notBefore: number;
  readonly expires: number;
  readonly id: string;
  /** The token itself must be in the Secret that it was made for. */
  readonly isLegacy: boolean;
}

const RESOURCES = { Pod: 'core/pods', Secret: 'core/secrets', Node: 'core/nodes' } as const;

export interface ServiceAccountTokensOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly keys: SigningKeys;
  /** URL; also the audience of this server. */
  readonly issuer: string;
}

export class ServiceAccountTokens implements TokenAuthenticator {
  readonly issuer: string;
  readonly keys: SigningKeys;
  readonly #options: ServiceAccountTokensOptions;
  /** Oldest first. */
  readonly #known = new Map<string, KnownToken>();

  constructor(options: ServiceAccountTokensOptions) {
    this.#options = options;
    this.issuer = options.issuer;
    this.keys = options.keys;
  }

  /** A new token; `expires` is in seconds since the epoch. */
  issue(wish: TokenWish): { readonly token: string; readonly expires: number } {
    const { namespace, account, audiences, expirationSeconds, bound } = wish;
    const { clock, ids, keys } = this.#options;
    const now = Math.floor(clock.now() / 1000);
    const expires = now + expirationSeconds;
    const objects = bound.map(({ kind, name, uid }) => [kind.toLowerCase(), { name, uid }]);
    const token = signToken(keys.signing, {
      aud: audiences.length === 0 ? [this.issuer] : audiences,
      exp: expires,
      iat: now,
      iss: this.issuer,
      jti: ids.uuid(),
      [PRIVATE]: { namespace, ...Object.fromEntries(objects), serviceaccount: account },
      nbf: now,
      sub: `system:serviceaccount:${namespace}:${account.name}`,
    });
    return { token, expires };
  }

  /** One without an end, for a Secret of the type service-account-token. */
  issueForSecret(
    namespace: string,
    account: { readonly name: string; readonly uid: string },
    secret: string,
  ): string {
    return signToken(this.#options.keys.signing, {
      iss: LEGACY_ISSUER,
      sub: `system:serviceaccount:${namespace}:${account.name}`,
      [`${LEGACY}/namespace`]: namespace,
      [`${LEGACY}/secret.name`]: secret,
      [`${LEGACY}/service-account.name`]: account.name,
      [`${LEGACY}/service-account.uid`]: account.uid,
    });
  }

  authenticate(token: string, audiences: readonly string[]): TokenUser | undefined {
    const known = this.#known.get(token) ?? this.#learn(token);
    if (known === undefined) return undefined;
    const now = this.#options.clock.now();
    if (known.expires <= now / 1000 || known.notBefore > now / 1000 + SKEW_SECONDS)
      return undefined;
    const wanted = audiences.length === 0 ? [this.issuer] : audiences;
    const shared = wanted.filter((audience) => known.audiences.includes(audience));
    if (shared.length === 0 || !this.#isAlive(known, token)) return undefined;
    return { user: userOf(known), audiences: shared };
  }

  #learn(token: string): KnownToken | undefined {
    const parsed = parseToken(token);
    if (parsed === undefined) return undefined;
    const known = knownToken(parsed.claims, this.issuer);
    if (known === undefined) return undefined;
    const id = stringAt(parsed.header, 'kid');
    const { verifying } = this.#options.keys;
    const named = verifying.get(id);
    const keys = named === undefined && id === '' ? [...verifying.values()] : [named];
    if (!keys.some((key) => key !== undefined && isSignedBy(parsed, key))) return undefined;
    if (this.#known.size >= REMEMBERED_TOKENS) {
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
    }
    this.#known.set(token, known);
    return known;
  }

  #isAlive(
    { namespace, account, accountUID, bound, isLegacy }: KnownToken,
    token: string,
  ): boolean {
    const { store } = this.#options;
    const stored = store.get('core/serviceaccounts', namespace, account);
    if (!this.#exists(stored, accountUID)) return false;
    return bound.every(({ kind, name, uid }) => {
      const object = store.get(RESOURCES[kind], kind === 'Node' ? '' : namespace, name);
      if (!this.#exists(object, uid)) return false;
      return !isLegacy || tokenIn(object) === token;
    });
  }

  /** @param uid '' for any */
  #exists(stored: StoredObject | undefined, uid: string): stored is StoredObject {
    if (stored === undefined || (uid !== '' && stored.uid !== uid)) return false;
    if (!stored.bytes.includes('"deletionTimestamp"')) return true;
    const deletion = stringAt(storedJSON(stored), 'metadata', 'deletionTimestamp');
    return deletion === '' || Date.parse(deletion) + DELETION_LEEWAY_MS > this.#options.clock.now();
  }
}

function tokenIn(secret: StoredObject): string {
  return Buffer.from(stringAt(storedJSON(secret), 'data', 'token'), 'base64').toString('utf8');
}

/** Undefined: no claims of ours. */
function knownToken(claims: JSONObject, issuer: string): KnownToken | undefined {
  if (claims['iss'] === LEGACY_ISSUER) return legacyToken(claims, issuer);
  const ours = objectAt(claims, PRIVATE);
  const namespace = stringAt(ours, 'namespace');
  const account = stringAt(ours, 'serviceaccount', 'name');
  const audience = claims['aud'];
  if (claims['iss'] !== issuer || namespace === '' || account === '') return undefined;
  if (claims['sub'] !== `system:serviceaccount:${namespace}:${account}`) return undefined;
  const kinds = ['Pod', 'Secret', 'Node'] as const;
  return {
    namespace,
    account,
    accountUID: stringAt(ours, 'serviceaccount', 'uid'),
    bound: kinds.flatMap((kind) => {
      const reference = fieldAt(ours, kind.toLowerCase());
      if (reference === undefined) return [];
      return [{ kind, name: stringAt(reference, 'name'), uid: stringAt(reference, 'uid') }];
    }),
    audiences: typeof audience === 'string' ? [audience] : listAt(claims, 'aud').map(String),
    notBefore: numberAt(claims, 'nbf'),
    expires: numberAt(claims, 'exp'),
    id: stringAt(claims, 'jti'),
    isLegacy: false,
  };
}

function legacyToken(claims: JSONObject, issuer: string): KnownToken | undefined {
  const namespace = stringAt(claims, `${LEGACY}/namespace`);
  const account = stringAt(claims, `${LEGACY}/service-account.name`);
  const secret = stringAt(claims, `${LEGACY}/secret.name`);
  if (namespace === '' || account === '' || secret === '') return undefined;
  return {
    namespace,
    account,
    accountUID: stringAt(claims, `${LEGACY}/service-account.uid`),
    bound: [{ kind: 'Secret', name: secret, uid: '' }],
    audiences: [issuer],
    notBefore: 0,
    expires: Infinity,
    id: '',
    isLegacy: true,
  };
}

function userOf({ namespace, account, accountUID, bound, id }: KnownToken): TokenUser['user'] {
  const extra: Record<string, readonly string[]> = {};
  if (id !== '') extra['authentication.kubernetes.io/credential-id'] = [`JTI=${id}`];
  for (const { kind, name, uid } of bound) {
    if (kind === 'Secret') continue;
    const prefix = `authentication.kubernetes.io/${kind.toLowerCase()}`;
    extra[`${prefix}-name`] = [name];
    extra[`${prefix}-uid`] = [uid];
  }
  return {
    name: `system:serviceaccount:${namespace}:${account}`,
    uid: accountUID,
    groups: [
      'system:serviceaccounts',
      `system:serviceaccounts:${namespace}`,
      'system:authenticated',
    ],
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}
