// Who was let in and who was not, under upstream's names (k8s.io/apiserver endpoints/filters). Users become labels only
// where they are few and ours; everybody else is `other`.
import type { UserInfo } from '../api/user.ts';
import type { Counter, MetricsRegistry } from '#platform/metrics.ts';

const SUCCESS = { result: 'success' };
const FAILURE = { result: 'failure' };
const ALLOWED = { result: 'allowed' };
const DENIED = { result: 'denied' };

const ADMIN = { username: 'admin' };
const NODE = { username: 'kubelet' };
const CONTROLLERS = { username: 'system:windlass:controllers' };
const ANONYMOUS = { username: 'system:anonymous' };
const OTHER = { username: 'other' };

export class AccessMetrics {
  readonly #attempts: Counter;
  readonly #users: Counter;
  readonly #decisions: Counter;

  constructor(registry: MetricsRegistry) {
    this.#attempts = registry.counter({
      name: 'authentication_attempts',
      help: '[ALPHA] Counter of authenticated attempts.',
      labelNames: ['result'],
    });
    this.#users = registry.counter({
      name: 'authenticated_user_requests',
      help: '[ALPHA] Counter of authenticated requests broken out by username.',
      labelNames: ['username'],
    });
    this.#decisions = registry.counter({
      name: 'authorization_attempts_total',
      help: "[ALPHA] Counter of authorization attempts broken down by result. It can be either 'allowed', 'denied', 'no-opinion' or 'error'.",
      labelNames: ['result'],
    });
  }

  /** @param user undefined when the credentials were refused */
  authenticated(user: UserInfo | undefined): void {
    this.#attempts.inc(user === undefined ? FAILURE : SUCCESS);
    if (user !== undefined) this.#users.inc(labelOf(user.name));
  }

  authorized(allowed: boolean): void {
    this.#decisions.inc(allowed ? ALLOWED : DENIED);
  }
}

function labelOf(name: string): { readonly username: string } {
  switch (name) {
    case 'admin':
      return ADMIN;
    case CONTROLLERS.username:
      return CONTROLLERS;
    case ANONYMOUS.username:
      return ANONYMOUS;
    default:
      return name.startsWith('system:node:') ? NODE : OTHER;
  }
}
