// Who makes a request: whoever the client certificate of our own authority names, or else whose bearer token it shows, or nobody. A
// certificate is read once per connection; only the end of its validity is looked at again for each request.
import type { DetailedPeerCertificate, PeerCertificate, TLSSocket } from 'node:tls';

import type { Clock } from '#platform/clock.ts';

import { unauthorized } from '../api/errors.ts';
import type { ApiError } from '../api/errors.ts';
import { anonymous } from '../api/user.ts';
import type { UserInfo } from '../api/user.ts';

import type { TokenAuthenticator } from './token-authenticator.ts';

const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';

/** A scheme is read in any case; a token has no spaces. */
const BEARER = /^bearer +([\w.~+/=-]+)$/i;

/** Of an `Authorization` header; undefined for other schemes, and for what is no token. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return BEARER.exec(authorization ?? '')?.[1];
}

interface Identity {
  /** Absent: the certificate is not one of ours. */
  readonly user: UserInfo | undefined;
  /** Milliseconds since the epoch. */
  readonly validUntil: number;
}

/** What is needed of a TLSSocket. */
export type PeerSocket = Pick<TLSSocket, 'authorized' | 'getPeerCertificate'>;

export class Authenticator {
  readonly #clock: Clock;
  readonly #identities = new WeakMap<PeerSocket, Identity>();

  readonly #tokens: TokenAuthenticator | undefined;

  /** @param tokens absent: there are none */
  constructor(clock: Clock, tokens?: TokenAuthenticator) {
    this.#clock = clock;
    this.#tokens = tokens;
  }

  /**
   * The user of a request. `authorization` is the header: what in it is no token that holds is refused, so that a mistyped
   * kubeconfig says 401 rather than that anonymous may not do something. A promise only where an issuer must be asked for its keys.
   */
  authenticate(
    socket: PeerSocket,
    authorization: string | undefined,
  ): UserInfo | ApiError | Promise<UserInfo | ApiError> {
    let identity = this.#identities.get(socket);
    if (identity === undefined) {
      identity = identify(socket);
      this.#identities.set(socket, identity);
    }
    const { user } = identity;
    if (user === undefined || identity.validUntil <= this.#clock.now()) return unauthorized();
    if (user !== anonymous || authorization === undefined) return user;
    const token = bearerToken(authorization);
    if (token === undefined || this.#tokens === undefined) return unauthorized();
    const found = this.#tokens.authenticate(token, []);
    return found instanceof Promise
      ? found.then((late) => late?.user ?? unauthorized())
      : (found?.user ?? unauthorized());
  }
}

function identify(socket: PeerSocket): Identity {
  const certificate: Partial<PeerCertificate> = socket.getPeerCertificate();
  if (certificate.subject === undefined) return { user: anonymous, validUntil: Infinity };
  if (!socket.authorized) return { user: undefined, validUntil: 0 };
  return { user: userOf(certificate), validUntil: Date.parse(certificate.valid_to ?? '') || 0 };
}

/** Common name → user, organizations → groups, as upstream's x509 authenticator. */
function userOf(
  certificate: Partial<PeerCertificate | DetailedPeerCertificate>,
): UserInfo | undefined {
  const usages: readonly string[] = certificate.ext_key_usage ?? [];
  const name = single(certificate.subject?.CN);
  if (!usages.includes(CLIENT_AUTHENTICATION) || name === undefined || name === '')
    return undefined;
  return { name, groups: [...list(certificate.subject?.O), 'system:authenticated'] };
}

function list(value: string | string[] | undefined): string[] {
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}

function single(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}
