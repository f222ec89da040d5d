// A log for tests: keeps its records in memory, and each append waits until the test says what becomes of it.
import { decodeBatch } from '#persistence/encoding.ts';
import type { InstanceReport, PersistenceLog, Sequencer, WriteListener } from '#persistence/log.ts';
import type { Cursor, LogRecord } from '#persistence/provider.ts';

/** One append under way. */
export interface HeldAppend {
  readonly records: readonly LogRecord[];
  succeed(): void;
  fail(error: Error): void;
}

export class ScriptedLog implements PersistenceLog {
  /** What is durable. */
  readonly records: LogRecord[] = [];
  readonly held: HeldAppend[] = [];
  readonly compactions: number[] = [];
  readonly control = {
    dump: unused,
    resync: unused,
    verify: unused,
    promote: unused,
    attach: unused,
    detach: unused,
  };
  /** Turns of the event loop until the script's verdict arrives, so that writes pile up behind it. */
  slowness = 0;
  /** Decides at once what becomes of an append; `hold` leaves it to the test. */
  script: (records: readonly LogRecord[]) => Error | 'succeed' | 'hold' = () => 'succeed';
  /** What the log says of writes by itself. */
  tell: WriteListener = () => undefined;
  /** How the log does something of its own between two batches. */
  sequence: Sequencer = unused;
  epoch = 0;
  #onHeld: () => void = () => undefined;

  open(): Promise<Cursor> {
    this.epoch += 1;
    const revision = this.records.at(-1)?.revision ?? 0;
    return Promise.resolve({ epoch: this.epoch, revision, compacted: 0 });
  }

  blocked(): undefined {
    return undefined;
  }

  instances(): readonly InstanceReport[] {
    return [REPORT];
  }

  watch(): () => void {
    return () => undefined;
  }

  watchAppends(): () => void {
    return () => undefined;
  }

  watchWrites(listener: WriteListener): () => void {
    this.tell = listener;
    return () => {
      this.tell = () => undefined;
    };
  }

  sequenceWith(sequencer: Sequencer): void {
    this.sequence = sequencer;
  }

  append(batch: ArrayBuffer): Promise<void> {
    const { records } = decodeBatch(batch);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const succeed = (): void => {
      this.records.push(...records);
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
    if (this.records.length > 0) yield await Promise.resolve(this.records);
  }

  compact(through: number): Promise<void> {
    this.compactions.push(through);
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

const REPORT: InstanceReport = {
  name: 'scripted-00000000',
  provider: 'scripted',
  location: 'memory',
  role: 'Primary',
  isSynchronous: true,
  state: 'Up',
  since: 0,
  exists: true,
  up: true,
  meanPersistLatency: 0.25,
  epoch: 1,
  revision: 0,
  lagRevisions: 0,
  lagSeconds: 0,
  pendingBytes: 0,
  lastError: undefined,
};

function afterTurns(turns: number, work: () => void): void {
  if (turns === 0) work();
  // The event loop must turn for other writes to arrive.
  // oxlint-disable-next-line no-restricted-globals
  else setImmediate(() => afterTurns(turns - 1, work));
}

function unused(): Promise<never> {
  return Promise.reject(new Error('The store has no use for this verb'));
}
