// The keys of the running server: which objects each one seals, changing the key, forgetting old ones. Only the running server can
// do this: it is the one writer of the log, so that replicas get what is sealed anew in its order, and nobody has to stop.
import type { LogRecord } from '#persistence/provider.ts';
import { readHeader } from '#persistence/secrets/envelope.ts';
import type { Sealer } from '#persistence/secrets/sealer.ts';
import type { Logger } from '#platform/logging.ts';
import { storageKey } from '../store/keys.ts';
import type { Store, StoredObject } from '../store/types.ts';
import { SecretsBusyError, SecretsInUseError } from './errors.ts';
import { resealObject } from './reseal-object.ts';
import type { SealedObject } from './reseal-object.ts';

/** Objects that are sealed anew at a time, so that they share commits. */
const AT_ONCE = 64;

export interface KeyStatus {
  readonly id: string;
  readonly source: string;
  readonly isSealing: boolean;
  /** Objects whose newest version is sealed with it. */
  readonly objects: number;
}

export interface Rotation {
  readonly state: 'Running' | 'Done' | 'Failed';
  /** The key that seals from now on. */
  readonly keyId: string;
  /** False where an earlier rotation, or one by hand, is being finished. */
  readonly isNewKey: boolean;
  readonly done: number;
  readonly total: number;
  /** Why it failed. */
  readonly message?: string;
}

export interface SecretsStatus {
  readonly keys: readonly KeyStatus[];
  /** Objects of sealed kinds that lie in the clear still: of kinds that were added to those sealed. */
  readonly unsealedObjects: number;
  /** Of this process; absent when there was none. */
  readonly rotation?: Rotation;
}

export interface PrunedKeys {
  readonly removed: readonly string[];
  readonly kept: readonly { readonly id: string; readonly reason: string }[];
}

export interface SecretsKeysOptions {
  readonly store: Store;
  readonly sealer: Sealer;
  readonly logger: Logger;
  /** Everything that is stored, history too. */
  readonly replay: (signal: AbortSignal) => AsyncIterable<readonly LogRecord[]>;
  /** The instance that does not hold everything yet, and so may need an old key still. */
  readonly lagging: () => string | undefined;
}

export class SecretsKeys {
  readonly #options: SecretsKeysOptions;
  readonly #stop = new AbortController();
  #rotation: Rotation | undefined;
  /** What is being done now; one thing at a time. */
  #work: Promise<unknown> | undefined;

  constructor(options: SecretsKeysOptions) {
    this.#options = options;
  }

  /** Where this start made the first key; its owner should be told to keep a copy. */
  get madeKeyIn(): string | undefined {
    return this.#options.sealer.madeKeyIn;
  }

  status(): SecretsStatus {
    const counts = this.#countByKey();
    return {
      keys: this.#options.sealer.keyring
        .describe()
        .map((key) => ({ ...key, objects: counts.get(key.id) ?? 0 })),
      unsealedObjects: counts.get('') ?? 0,
      ...(this.#rotation === undefined ? {} : { rotation: this.#rotation }),
    };
  }

  /** Objects that are not sealed with the key that seals now. */
  staleObjects(): readonly SealedObject[] {
    const { id } = this.#options.sealer.keyring.sealingKey;
    return this.#objects().filter((object) => this.#keyIdOf(object) !== id);
  }

  /**
   * Makes a new key that seals from now on, and seals everything anew with it, in the background. Where objects are not sealed with
   * the present key, an earlier rotation was cut short: that one is finished, without another key.
   *
   * @throws SecretsBusyError, SecretsKeyError
   */
  rotate(): Promise<Rotation> {
    return this.#exclusively(async () => {
      const { keyring } = this.#options.sealer;
      const isNewKey = this.staleObjects().length === 0;
      const { id } = isNewKey ? await keyring.makeSealingKey() : keyring.sealingKey;
      const total = this.staleObjects().length;
      const begun: Rotation = { state: 'Running', keyId: id, isNewKey, done: 0, total };
      this.#rotation = begun;
      this.#options.logger.info('Sealing Secrets with another key', { keyId: id, isNewKey, total });
      this.#work = this.#reseal(begun).finally(() => (this.#work = undefined));
      return begun;
    });
  }

  /**
   * Forgets the keys that nothing stored needs any more, history included.
   *
   * @throws SecretsBusyError, SecretsInUseError
   */
  prune(): Promise<PrunedKeys> {
    return this.#exclusively(async () => {
      const { keyring } = this.#options.sealer;
      const lagging = this.#options.lagging();
      if (lagging !== undefined)
        throw new SecretsInUseError(
          `Cannot tell which keys are needed: ${lagging} does not hold everything yet; wait until it does, or leave it out`,
        );
      const needed = await this.#neededKeys();
      const removed: string[] = [];
      const kept: { id: string; reason: string }[] = [];
      for (const { id, isSealing } of keyring.describe()) {
        if (isSealing) continue;
        const count = needed.get(id) ?? 0;
        if (count > 0) {
          kept.push({ id, reason: `${count} stored object versions are sealed with it` });
          continue;
        }
        try {
          await keyring.remove(new Set([id]));
          removed.push(id);
          this.#options.logger.info('Secrets key removed', { keyId: id });
        } catch (error) {
          kept.push({ id, reason: (error as Error).message });
        }
      }
      return { removed, kept };
    });
  }

  /** Stops a rotation where it is; the next one finishes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the server stopped'));
    await this.#work;
  }

  /** What `begin` leaves in #work goes on after it has answered. */
  async #exclusively<T>(begin: () => Promise<T>): Promise<T> {
    if (this.#work !== undefined) throw new SecretsBusyError(progressOf(this.#rotation));
    const beginning = begin();
    const settled = beginning.then(noop, noop);
    this.#work = settled;
    try {
      return await beginning;
    } finally {
      // Not what begin() has put there.
      if (this.#work === settled) this.#work = undefined;
    }
  }

  async #reseal(begun: Rotation): Promise<void> {
    const { store, logger, sealer } = this.#options;
    let { done, total } = begun;
    try {
      // What was under way when the key changed is sealed with the one before, and seen only now.
      await store.drained();
      for (;;) {
        const stale = this.staleObjects();
        if (stale.length === 0) break;
        total = Math.max(total, done + stale.length);
        const queue = stale.values();
        const lane = async (): Promise<void> => {
          for (const object of queue) {
            this.#stop.signal.throwIfAborted();
            await resealObject(store, object, (found) => this.#keyIdOf(found) === begun.keyId);
            done += 1;
            this.#rotation = { ...begun, done, total };
          }
        };
        const lanes = await Promise.allSettled(Array.from({ length: AT_ONCE }, lane));
        const failed = lanes.find((outcome) => outcome.status === 'rejected');
        if (failed !== undefined) throw failed.reason;
      }
      this.#rotation = { ...begun, state: 'Done', done, total: done };
      logger.info('All Secrets are sealed with the new key', {
        keyId: sealer.keyring.sealingKey.id,
      });
    } catch (error) {
      const { message } = error as Error;
      this.#rotation = { ...begun, state: 'Failed', done, total, message };
      logger.warn('Sealing Secrets with another key was cut short', { done, total, error });
    }
  }

  async #neededKeys(): Promise<ReadonlyMap<string, number>> {
    const needed = new Map<string, number>();
    for await (const records of this.#options.replay(this.#stop.signal)) {
      for (const { value } of records) {
        const id = value === undefined ? undefined : readHeader(value)?.keyId;
        if (id !== undefined) needed.set(id, (needed.get(id) ?? 0) + 1);
      }
    }
    return needed;
  }

  #countByKey(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const object of this.#objects()) {
      const id = this.#keyIdOf(object);
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    return counts;
  }

  #objects(): readonly SealedObject[] {
    const { store, sealer } = this.#options;
    return [...sealer.kinds].flatMap((resource) =>
      store.list(resource, {}).items.map((stored) => ({ resource, stored })),
    );
  }

  #keyIdOf({
    resource,
    stored,
  }: {
    readonly resource: string;
    readonly stored: StoredObject;
  }): string {
    const { namespace, name, revision } = stored;
    return this.#options.sealer.keyIdOf({
      kind: resource,
      key: storageKey(namespace, name),
      revision,
    });
  }
}

function progressOf(rotation: Rotation | undefined): string {
  if (rotation?.state !== 'Running') return '';
  return `: ${rotation.done} of ${rotation.total} objects are sealed anew`;
}

function noop(): void {
  // Both outcomes end the wait.
}
