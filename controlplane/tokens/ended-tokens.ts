// Removes bootstrap tokens that have ended, as upstream's token cleaner does: nobody gets in with one, and what is listed is what holds.
import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';

import { stringAt } from '../api/fields.ts';
import type { Scheme } from '../api/scheme.ts';
import { DueQueue } from '../registry/due-queue.ts';
import { internalContext } from '../registry/internal-context.ts';
import { decodeStored } from '../registry/objects.ts';
import type { Registry } from '../registry/types.ts';
import type { Store, StoredObject, Subscription } from '../store/types.ts';

import { BOOTSTRAP_NAMESPACE, BOOTSTRAP_TYPE, endOfToken } from './bootstrap-tokens.ts';

const SECRETS = 'core/secrets';
/** A clock may be set, and a timer that is longer could overflow. */
const LOOK_EVERY_MS = 10 * 60_000;

export interface EndedTokensOptions {
  readonly scheme: Scheme;
  readonly store: Store;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class EndedTokens {
  readonly #options: EndedTokensOptions;
  readonly #queue: DueQueue;
  #subscription: Subscription | undefined;
  #cancelTimer: (() => void) | undefined;
  /** Milliseconds since the epoch when the timer wakes. */
  #wakes = Infinity;

  constructor(options: EndedTokensOptions) {
    this.#options = options;
    this.#queue = new DueQueue({
      settle: (name) => this.#settle(name),
      logger: options.logger,
      failure: 'A bootstrap token that has ended could not be removed',
    });
  }

  /** Looks at all that are there, then at each that changes, and when the next one ends. */
  start(): void {
    const { store } = this.#options;
    const { items, revision } = store.list(SECRETS, { namespace: BOOTSTRAP_NAMESPACE });
    this.#wake(items);
    this.#subscription = store.watch(SECRETS, revision, {
      events: (events) => {
        const changed = events.filter(({ type }) => type !== 'DELETED');
        this.#wake(changed.map(({ object }) => object));
      },
      closed: () => undefined,
    });
    this.#lookAt(Infinity);
  }

  async close(): Promise<void> {
    this.#subscription?.close();
    // First: what it does sets timers.
    await this.#queue.close();
    this.#cancelTimer?.();
  }

  #wake(secrets: readonly StoredObject[]): void {
    const tokens = secrets.filter(
      ({ namespace, fields }) =>
        namespace === BOOTSTRAP_NAMESPACE && fields['type'] === BOOTSTRAP_TYPE,
    );
    this.#queue.add(tokens.map(({ name }) => name));
  }

  #lookAt(end: number): void {
    const { clock, store } = this.#options;
    const now = clock.now();
    const next = Math.min(end, now + LOOK_EVERY_MS);
    if (this.#wakes <= next || this.#queue.signal.aborted) return;
    this.#cancelTimer?.();
    this.#wakes = next;
    this.#cancelTimer = clock.schedule(Math.max(0, next - now), () => {
      this.#wakes = Infinity;
      this.#wake(store.list(SECRETS, { namespace: BOOTSTRAP_NAMESPACE }).items);
      this.#lookAt(Infinity);
    });
  }

  async #settle(name: string): Promise<void> {
    const { scheme, store, registry, clock, logger } = this.#options;
    const stored = store.get(SECRETS, BOOTSTRAP_NAMESPACE, name);
    const definition = scheme.byKind('', 'v1', 'Secret');
    if (stored === undefined || definition === undefined) return;
    const object = decodeStored(stored, definition);
    if (object.metadata.deletionTimestamp !== undefined) return;
    const encoded = stringAt(object, 'data', 'expiration');
    const end = endOfToken(Buffer.from(encoded, 'base64').toString('utf8'));
    if (end > clock.now()) {
      if (end < Infinity) this.#lookAt(end);
      return;
    }
    // One that somebody gave another end at this moment stays.
    const preconditions = { uid: stored.uid, resourceVersion: String(stored.revision) };
    const context = internalContext('token-cleaner', this.#queue.signal);
    const target = { definition, namespace: BOOTSTRAP_NAMESPACE, name };
    await registry.delete(target, { preconditions }, context);
    logger.info('A bootstrap token that has ended was removed', { secret: name });
  }
}
