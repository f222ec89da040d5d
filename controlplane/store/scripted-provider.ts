// A provider for tests: keeps its log in memory, and each append waits until the test says what becomes of it.
import { decodeBatch } from '#persistence/encoding.ts';
import type { Cursor, LogPersistenceProvider, LogRecord } from '#persistence/provider.ts';

/** One append under way. */
export interface HeldAppend {
  readonly records: readonly LogRecord[];
  succeed(): void;
  fail(error: Error): void;
}

export class ScriptedProvider implements LogPersistenceProvider {
  static readonly instance = 'scripted-00000000';
  /** The durable log. */
  readonly log: LogRecord[] = [];
  readonly held: HeldAppend[] = [];
  readonly compactions: number[] = [];
  /** Turns of the event loop until the script's verdict arrives, so that writes pile up behind it. */
  slowness = 0;
  /** Decides at once what becomes of an append; `hold` leaves it to the test. */
  script: (records: readonly LogRecord[]) => Error | 'succeed' | 'hold' = () => 'succeed';
  #epoch = 0;
  #onHeld: () => void = () => undefined;

  initialize(): Promise<void> {
    return Promise.resolve();
  }
  instances(): readonly string[] {
    return [ScriptedProvider.instance];
  }
  instanceStatus() {
    return { exists: true, status: true, meanPersistLatency: 0.25 };
  }
  claimEpoch(): Promise<Cursor> {
    this.#epoch += 1;
    return this.cursor();
  }
  cursor(): Promise<Cursor> {
    const revision = this.log.at(-1)?.revision ?? 0;
    return Promise.resolve({ epoch: this.#epoch, revision, compacted: 0 });
  }

  append(_instance: string, batch: ArrayBuffer): Promise<void> {
    const { records } = decodeBatch(batch);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const succeed = (): void => {
      this.log.push(...records);
      resolve();
    };
    const verdict = this.script(records);
    if (verdict === 'hold') {
      this.held.push({ records, succeed, fail: reject });
      this.#onHeld();
    } else afterTurns(this.slowness, () => (verdict === 'succeed' ? succeed() : reject(verdict)));
    return promise;
  }

  /** Resolves with the next append that is held, now or later. */
  async nextHeld(): Promise<HeldAppend> {
    for (;;) {
      const held = this.held.shift();
      if (held !== undefined) return held;
      await new Promise<void>((resolve) => {
        this.#onHeld = resolve;
      });
    }
  }

  async *replay(): AsyncIterable<readonly LogRecord[]> {
    if (this.log.length > 0) yield await Promise.resolve(this.log);
  }
  async *readFrom(_instance: string, revision: number): AsyncIterable<readonly LogRecord[]> {
    yield await Promise.resolve(this.log.filter((record) => record.revision > revision));
  }
  compact(_instance: string, through: number): Promise<void> {
    this.compactions.push(through);
    return Promise.resolve();
  }

  putObject(): Promise<string> {
    return Promise.reject(unused());
  }
  deleteObject(): Promise<void> {
    return Promise.reject(unused());
  }
  getObject(): Promise<undefined> {
    return Promise.reject(unused());
  }
  getAllObjects(): Promise<never> {
    return Promise.reject(unused());
  }
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

function afterTurns(turns: number, work: () => void): void {
  if (turns === 0) work();
  // The event loop must turn for other writes to arrive.
  // oxlint-disable-next-line no-restricted-globals
  else setImmediate(() => afterTurns(turns - 1, work));
}

function unused(): Error {
  return new Error('The store has no use for this verb');
}
