// Writes to a log through a provider and remembers what was promised, so that what the log holds in the end can be judged: each
// acknowledged write is there, none that failed is, and revisions rise.
import assert from 'node:assert/strict';
import { encodeBatch } from '#persistence/encoding.ts';
import { parseMachineId } from '#persistence/machine-id.ts';
import type { MachineId } from '#persistence/machine-id.ts';
import type { LogPersistenceProvider } from '#persistence/provider.ts';

/**
 * - acknowledged: the append resolved
 * - failed: it threw what says that nothing was kept
 * - unknown: it threw what leaves that open
 */
export type WriteOutcome = 'acknowledged' | 'failed' | 'unknown';

/** What became of each write, by its value. Several writers may share one. */
export type Promises = Map<string, WriteOutcome>;

const NOTHING_KEPT = new Set(['StorageUnreachableError', 'StorageFullError', 'EpochLostError']);

export class RecordedWriter {
  readonly provider: LogPersistenceProvider;
  readonly promises: Promises;
  /** Of the last write that did not succeed. */
  lastError: Error | undefined;
  readonly #name: string;
  #epoch = 0;
  #revision = 0;
  #count = 0;

  constructor(name: string, provider: LogPersistenceProvider, promises: Promises = new Map()) {
    this.#name = name;
    this.provider = provider;
    this.promises = promises;
  }

  get lastMessage(): string {
    return this.lastError?.message ?? 'no error';
  }

  get instance(): string {
    return this.provider.instances()[0] ?? '';
  }

  /** Opens the instance, also again when it is down, and takes the next epoch. */
  async takeOver(): Promise<void> {
    await this.provider.initialize(parseMachineId('5'.repeat(32)) as MachineId);
    const cursor = await this.provider.claimEpoch(this.instance);
    this.#epoch = cursor.epoch;
    this.#revision = Math.max(this.#revision, cursor.revision);
  }

  /** Appends a batch of a few records; all of them have one outcome. */
  async write(records = 2): Promise<WriteOutcome> {
    const values = Array.from({ length: records }, () => {
      this.#count += 1;
      return `${this.#name}-${this.#count}`;
    });
    const batch = values.map((value) => {
      this.#revision += 1;
      return { revision: this.#revision, kind: 'k', key: value, value: Buffer.from(value) };
    });
    const outcome = await this.#append(encodeBatch({ epoch: this.#epoch, records: batch }));
    for (const value of values) this.promises.set(value, outcome);
    return outcome;
  }

  async #append(batch: ArrayBuffer): Promise<WriteOutcome> {
    try {
      await this.provider.append(this.instance, batch);
      return 'acknowledged';
    } catch (error) {
      this.lastError = error as Error;
      return NOTHING_KEPT.has(this.lastError.name) ? 'failed' : 'unknown';
    }
  }
}

/** Values of the whole log, in its order. Fails when revisions do not rise. */
export async function valuesOf(
  provider: LogPersistenceProvider,
  instance: string,
): Promise<readonly string[]> {
  const values: string[] = [];
  let previous = 0;
  for await (const records of provider.replay(instance, new AbortController().signal)) {
    for (const { revision, value } of records) {
      assert.ok(revision > previous, `revision ${revision} after ${previous}`);
      previous = revision;
      values.push(Buffer.from(value ?? []).toString());
    }
  }
  return values;
}

/** Fails when a promise was not kept. @param mayBeUnknown whether a write may end without anybody knowing */
export function judge(
  values: readonly string[],
  promises: Promises,
  { mayBeUnknown = false, hint = '' } = {},
): void {
  const found = new Set(values);
  assert.equal(found.size, values.length, `a write is there twice ${hint}`);
  const ending = (outcome: WriteOutcome): string[] =>
    [...promises].filter(([, each]) => each === outcome).map(([value]) => value);
  assert.deepEqual(
    ending('acknowledged').filter((value) => !found.has(value)),
    [],
    `acknowledged, but not there ${hint}`,
  );
  assert.deepEqual(
    ending('failed').filter((value) => found.has(value)),
    [],
    `failed, but there ${hint}`,
  );
  assert.deepEqual(
    values.filter((value) => !promises.has(value)),
    [],
    `nobody wrote it ${hint}`,
  );
  if (!mayBeUnknown) assert.deepEqual(ending('unknown'), [], `nobody knows of it ${hint}`);
}
