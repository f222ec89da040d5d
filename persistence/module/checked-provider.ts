// Somebody else's provider, held to what the interface says. Whatever it does (hangs, throws at once, throws what is no error, gives
// nonsense), its caller gets what was promised or an error that says what it did.
import type { Clock } from '#platform/clock.ts';
import { StorageFailedError, StorageUnreachableError } from '../errors.ts';
import type { MachineId } from '../machine-id.ts';
import type {
  PersistedObject,
  PersistenceProvider,
  PersistenceProviderStatus,
} from '../provider.ts';
import { statusOf } from '../provider-status.ts';

/** How long one call may take. */
const ANSWER_MS = 60_000;
/** Lists can be long. */
const LIST_MS = 600_000;
const END_MS = 5_000;

export class CheckedProvider implements PersistenceProvider, AsyncDisposable {
  readonly #inner: PersistenceProvider & Partial<AsyncDisposable>;
  readonly #clock: Clock;
  /** Calls that have not been answered in time. */
  readonly #stuck = new Set<Call>();
  #initializing: Promise<unknown> | undefined;

  constructor(inner: PersistenceProvider & Partial<AsyncDisposable>, clock: Clock) {
    this.#inner = inner;
    this.#clock = clock;
  }

  /** Several instances may want it at once. */
  async initialize(machineId: MachineId): Promise<void> {
    const call = () => this.#inner.initialize(machineId);
    this.#initializing ??= this.#ask({ verb: 'initialize', ms: ANSWER_MS }, call).finally(
      () => (this.#initializing = undefined),
    );
    await this.#initializing;
  }

  instances(): readonly string[] {
    return this.#inner.instances();
  }

  instanceStatus(instance: string): PersistenceProviderStatus {
    return statusOf(this.#inner, instance);
  }

  async putObject(instance: string, object: PersistedObject): Promise<string> {
    const call = () => this.#inner.putObject(instance, object);
    await this.#ask({ verb: 'putObject', instance, ms: ANSWER_MS }, call);
    return object.key;
  }

  async deleteObject(instance: string, kind: string, key: string): Promise<void> {
    const call = () => this.#inner.deleteObject(instance, kind, key);
    await this.#ask({ verb: 'deleteObject', instance, ms: ANSWER_MS }, call);
  }

  async getObject(
    instance: string,
    kind: string,
    key: string,
  ): Promise<PersistedObject | undefined> {
    const call = () => this.#inner.getObject(instance, kind, key);
    const found = await this.#ask({ verb: 'getObject', instance, ms: ANSWER_MS }, call);
    // Of those who say it in another way.
    if (found === undefined || found === null) return undefined;
    if (isObject(found) && found.kind === kind && found.key === key) return found;
    throw nonsense('getObject', 'the object that was asked for, or undefined');
  }

  async getAllObjects(instance: string, kind: string): Promise<readonly PersistedObject[]> {
    const call = () => this.#inner.getAllObjects(instance, kind);
    const found = await this.#ask({ verb: 'getAllObjects', instance, ms: LIST_MS }, call);
    if (!Array.isArray(found) || !found.every(isObject) || found.some((one) => one.kind !== kind))
      throw nonsense('getAllObjects', 'an array of objects of the kind that was asked for');
    if (new Set(found.map(({ key }) => key)).size < found.length)
      throw nonsense('getAllObjects', 'each object once');
    return found;
  }

  /** Who does not end is left as it is. */
  async [Symbol.asyncDispose](): Promise<void> {
    const call = async () => this.#inner[Symbol.asyncDispose]?.();
    await this.#ask({ verb: 'asyncDispose', ms: END_MS }, call).catch(() => undefined);
  }

  /**
   * A call that took too long may still do what it was asked to, after what is asked next: so while there is one, nothing is.
   *
   * @throws StorageUnreachableError, what the call throws as an error with a message
   */
  async #ask(call: Call, work: () => Promise<unknown>): Promise<unknown> {
    for (const stuck of this.#stuck)
      if (isInTheWay(stuck, call)) throw new StorageUnreachableError(unanswered(stuck));
    const late = Promise.withResolvers<never>();
    const cancel = this.#clock.schedule(call.ms, () => {
      this.#stuck.add(call);
      late.reject(new StorageUnreachableError(unanswered(call)));
    });
    // What is thrown at once is an answer too.
    const answer = (async () => await work())();
    const ended = (): void => {
      cancel();
      this.#stuck.delete(call);
    };
    answer.then(ended, ended);
    try {
      return await Promise.race([answer, late.promise]);
    } catch (error) {
      throw understood(call, error);
    }
  }
}

interface Call {
  readonly verb: string;
  /** Absent: all of them. */
  readonly instance?: string;
  /** How long it may take. */
  readonly ms: number;
}

function isInTheWay(stuck: Call, next: Call): boolean {
  return [stuck.instance, next.instance].includes(undefined) || stuck.instance === next.instance;
}

function isObject(value: unknown): value is PersistedObject {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, key, value: bytes } = value as Readonly<Record<string, unknown>>;
  return typeof kind === 'string' && typeof key === 'string' && bytes instanceof Uint8Array;
}

function unanswered({ verb, ms }: Call): string {
  return `its provider has not answered ${verb}() for ${ms / 1_000} s; nothing more is asked of it until it does`;
}

function nonsense(verb: string, wanted: string): StorageFailedError {
  return new StorageFailedError(`its provider's ${verb}() did not give ${wanted}`);
}

/** Anything can be thrown, and a message be empty. */
function understood({ verb }: Call, error: unknown): Error {
  if (error instanceof Error && error.message !== '') return error;
  const what = error instanceof Error ? error.name : String(error);
  return new StorageFailedError(`its provider's ${verb}() failed: ${what}`, { cause: error });
}
