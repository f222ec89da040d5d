// Who was let in and who was not, under upstream's names (k8s.io/apiserver endpoints/filters). Users become labels only
// where they are few and ours; everybody else is `other`. Every request passes here twice, so plain numbers are counted
// and handed over when somebody reads the metrics.
import type { UserInfo } from '../api/user.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';

const KNOWN_USERS: ReadonlySet<string> = new Set([
  'admin',
  'system:anonymous',
  'system:windlass:controllers',
]);

/** Counts by one label value. */
class Tally {
  #counts = new Map<string, number>();

  constructor(registry: MetricsRegistry, name: string, help: string, label: string) {
    registry.counter({
      name,
      help,
      labelNames: [label],
      collect: (counter) => {
        for (const [value, count] of this.#counts) counter.inc({ [label]: value }, count);
        this.#counts = new Map();
      },
    });
  }

  add(value: string): void {
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1);
  }
}

export class AccessMetrics {
  readonly #attempts: Tally;
  readonly #users: Tally;
  readonly #decisions: Tally;

  constructor(registry: MetricsRegistry) {
    this.#attempts = new Tally(
      registry,
      'authentication_attempts',
      '[ALPHA] Counter of authenticated attempts.',
      'result',
    );
    this.#users = new Tally(
      registry,
      'authenticated_user_requests',
      '[ALPHA] Counter of authenticated requests broken out by username.',
      'username',
    );
    this.#decisions = new Tally(
      registry,
      'authorization_attempts_total',
      "[ALPHA] Counter of authorization attempts broken down by result. It can be either 'allowed', 'denied', 'no-opinion' or 'error'.",
      'result',
    );
  }

  /** @param user undefined when the credentials were refused */
  authenticated(user: UserInfo | undefined): void {
    this.#attempts.add(user === undefined ? 'failure' : 'success');
    if (user !== undefined) this.#users.add(labelOf(user.name));
  }

  authorized(isAllowed: boolean): void {
    this.#decisions.add(isAllowed ? 'allowed' : 'denied');
  }
}

function labelOf(name: string): string {
  if (KNOWN_USERS.has(name)) return name;
  return name.startsWith('system:node:') ? 'kubelet' : 'other';
}
