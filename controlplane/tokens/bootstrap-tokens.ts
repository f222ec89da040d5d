// Bootstrap tokens, by which new machines ask for their first certificate: Secrets of type bootstrap.kubernetes.io/token in kube-system,
// as upstream's (plugin/pkg/auth/authenticator/token/bootstrap). Such a token may ask for a certificate and do nothing else.
import { createHash, timingSafeEqual } from 'node:crypto';

import type { Clock } from '#platform/clock.ts';

import { stringAt } from '../api/fields.ts';
import type { TokenAuthenticator, TokenUser } from '../identity/token-authenticator.ts';
import { storedJSON } from '../registry/objects.ts';
import type { Store } from '../store/types.ts';

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
export const BOOTSTRAP_TYPE = 'bootstrap.kubernetes.io/token';
export const BOOTSTRAP_NAMESPACE = 'kube-system';
const GROUP = 'system:bootstrappers';
const EXTRA_GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

export interface BootstrapTokensOptions {
  readonly store: Pick<Store, 'get'>;
  readonly clock: Clock;
  /** Audience of this server. */
  readonly audience: string;
}

export class BootstrapTokens implements TokenAuthenticator {
  readonly #options: BootstrapTokensOptions;

  constructor(options: BootstrapTokensOptions) {
    this.#options = options;
  }

  authenticate(token: string, audiences: readonly string[]): TokenUser | undefined {
    const { store, audience } = this.#options;
    const [, id, secret = ''] = TOKEN.exec(token) ?? [];
    if (id === undefined) return undefined;
    // They are for this server and nothing else.
    if (audiences.length > 0 && !audiences.includes(audience)) return undefined;
    const stored = store.get('core/secrets', BOOTSTRAP_NAMESPACE, `bootstrap-token-${id}`);
    if (stored === undefined) return undefined;
    const object = storedJSON(stored);
    const isDeleting = stringAt(object, 'metadata', 'deletionTimestamp') !== '';
    if (isDeleting || stringAt(object, 'type') !== BOOTSTRAP_TYPE) return undefined;
    const value = (key: string): string =>
      Buffer.from(stringAt(object, 'data', key), 'base64').toString('utf8');
    const isRight =
      value('token-id') === id &&
      isSame(value('token-secret'), secret) &&
      value('usage-bootstrap-authentication') === 'true' &&
      endOfToken(value('expiration')) > this.#options.clock.now();
    if (!isRight) return undefined;
    const extra = value('auth-extra-groups')
      .split(',')
      .flatMap((group) => (group.trim() === '' ? [] : [group.trim()]));
    // One that names a group of somebody else is no token.
    if (!extra.every((group) => EXTRA_GROUP.test(group))) return undefined;
    const groups = [GROUP, ...extra, 'system:authenticated'];
    return { user: { name: `system:bootstrap:${id}`, groups }, audiences: [audience] };
  }
}

/** Milliseconds since the epoch; Infinity: it holds until it is deleted. An end that is none has passed. */
export function endOfToken(expiration: string): number {
  if (expiration === '') return Infinity;
  const end = Date.parse(expiration);
  return Number.isNaN(end) ? -Infinity : end;
}

/** Takes as long for one that is nearly right. An empty one is nobody's. */
function isSame(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return one !== '' && timingSafeEqual(digest(one), digest(other));
}
