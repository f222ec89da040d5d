// A log in numbered segments and snapshots over a BlobStore, as a worker thread serves it (thread/log-worker.ts: never two calls at
// once). docs/persistence-format.md describes what lies in the store and why two writers cannot spoil it.
import type { Batch } from '../encoding.ts';
import { CorruptDataError, StorageFailedError, StorageUnreachableError } from '../errors.ts';
import type { Cursor, LogRecord } from '../provider.ts';
import { WorkerFailure, failureOf } from '../thread/failures.ts';
import type { Failure } from '../thread/failures.ts';
import type { LogEngine } from '../thread/log-engine.ts';
import type { VerifiedSlice } from '../thread/protocol.ts';
import type { BlobStore } from './blob-store.ts';
import { HOLDER } from './blob-names.ts';
import { claimEpoch, forgetOldClaims } from './claim-epoch.ts';
import { compactLog } from './compact-log.ts';
import type { Compacted } from './compact-log.ts';
import { checkWritable, openFormat } from './format-version.ts';
import type { FormatFile } from './format-version.ts';
import { advance, loadLog, newestEpoch } from './load-log.ts';
import { readLog } from './log-reader.ts';
import { cursorOf, withSegment } from './log-state.ts';
import type { LogState } from './log-state.ts';
import { LogTail } from './log-tail.ts';
import type { TailPosition } from './log-tail.ts';
import { ObjectIndex } from './object-index.ts';
import { PageReaders } from './page-readers.ts';
import { removeUnneeded } from './remove-unneeded.ts';
import { RestoredLog } from './restore-log.ts';
import { SegmentWriter } from './segment-writer.ts';
import type { SegmentWriterOptions, Tenure } from './segment-writer.ts';
import { nameSnapshot } from './name-snapshot.ts';
import { copyAside } from './set-aside.ts';
import { Verification, verifyLog } from './verify-log.ts';

export interface SegmentEngineOptions {
  readonly store: BlobStore;
  /** Random, letters and digits: tells what this opening writes from what any other does. */
  readonly writer: string;
}

interface Opened {
  readonly format: FormatFile;
  state: LogState;
  readonly writer: SegmentWriter;
  /** Somebody else has named a snapshot since it was loaded, and may delete what we read from. */
  isOutdated: boolean;
}

export class SegmentEngine implements LogEngine {
  readonly #store: BlobStore;
  readonly #writer: string;
  readonly #readers = new PageReaders((place) => readLog(this.#store, this.#open.state, place));
  readonly #index: ObjectIndex;
  #verification = new Verification();
  #opened: Opened | undefined;
  #restored: RestoredLog | undefined;
  #compaction: AsyncGenerator<undefined, Compacted> | undefined;
  #removal: AsyncGenerator<undefined> | undefined;
  #folders = 0;

  constructor({ store, writer }: SegmentEngineOptions) {
    this.#store = store;
    this.#writer = writer;
    this.#index = new ObjectIndex(store);
  }

  failureOf(error: unknown): Failure {
    return failureOf(error, this.#store.location);
  }

  async open(): Promise<Cursor> {
    await this.#store.probe(this.#writer);
    const format = await openFormat(this.#store);
    this.#adopt(format, await loadLog(this.#store));
    return this.#cursor;
  }

  async claim(machine: string, atLeast: number): Promise<Cursor> {
    checkWritable(this.#store, this.#open.format);
    await this.#refresh();
    for (;;) {
      const least = Math.max(atLeast, this.#open.state.epoch + 1);
      const claim = { atLeast: least, machine, writer: this.#writer };
      const claimed = await claimEpoch(this.#store, claim);
      try {
        await this.#fence({ epoch: claimed, term: 1 });
      } catch (error) {
        if (!isEpochLost(error)) throw error;
        // Somebody took a higher one meanwhile: above that again.
        await this.#refresh();
        continue;
      }
      await forgetOldClaims(this.#store);
      return this.#cursor;
    }
  }

  async cursor(): Promise<Cursor> {
    if (this.#open.writer.tenure === undefined) await this.#refresh();
    return this.#cursor;
  }

  async append(batches: readonly Batch[]): Promise<readonly (Failure | undefined)[]> {
    checkWritable(this.#store, this.#open.format);
    if (this.#open.writer.tenure === undefined) await this.#refresh();
    const { epoch, revision } = this.#cursor;
    let newest = revision;
    const records: LogRecord[] = [];
    const outcomes = batches.map((batch): Failure | undefined => {
      if (batch.epoch !== epoch) return { type: 'epoch-lost', held: batch.epoch, found: epoch };
      const first = batch.records[0]?.revision ?? 0;
      if (first <= newest) {
        const message = `Cannot append revision ${first} to ${this.#store.location}: it already holds revision ${newest}`;
        return { type: 'corrupt', message };
      }
      for (const record of batch.records) records.push(record);
      newest = batch.records.at(-1)?.revision ?? newest;
      return undefined;
    });
    if (records.length > 0) await this.#write((writer) => writer.append(records));
    return outcomes;
  }

  async write(change: LogRecord): Promise<void> {
    checkWritable(this.#store, this.#open.format);
    if (this.#open.writer.tenure === undefined) await this.#refresh();
    const record = { ...change, revision: this.#open.state.revision + 1 };
    await this.#write((writer) => writer.append([record]));
  }

  async read(after: number, history: boolean): Promise<readonly LogRecord[]> {
    try {
      return await this.#readers.read({ after, history });
    } catch (error) {
      throw await this.#whyUnreadable(error);
    }
  }

  async get(kind: string, key: string): Promise<LogRecord | undefined> {
    return this.#index.get(this.#open.state, kind, key);
  }

  async getAll(kind: string): Promise<readonly LogRecord[]> {
    return this.#index.getAll(this.#open.state, kind);
  }

  async compact(through: number): Promise<boolean> {
    checkWritable(this.#store, this.#open.format);
    if (this.#removal !== undefined) {
      if ((await this.#removal.next()).done === true) this.#removal = undefined;
      return false;
    }
    if (this.#compaction === undefined) {
      const { state } = this.#open;
      const target = Math.min(through, state.revision);
      if (target <= cursorOf(state).compacted) return true;
      const writer = this.#nextWriter();
      this.#compaction = compactLog(this.#store, state, { through: target, writer });
    }
    const { done, value } = await this.#step(this.#compaction);
    if (done !== true) return false;
    this.#compaction = undefined;
    await this.#adoptCompacted(value);
    return false;
  }

  async beginRestore(cursor: Cursor): Promise<void> {
    checkWritable(this.#store, this.#open.format);
    if (this.#open.writer.tenure === undefined) await this.#refresh();
    this.#checkEpoch(cursor.epoch);
    this.#restored = new RestoredLog(this.#store, cursor, this.#nextWriter());
  }

  async addRestored(records: readonly LogRecord[]): Promise<void> {
    await this.#restored?.add(records);
  }

  async endRestore(): Promise<void> {
    const restored = this.#restored;
    this.#restored = undefined;
    if (restored === undefined) throw new TypeError('Nothing is being restored');
    this.#checkEpoch(restored.cursor.epoch);
    await this.#adoptReset(restored);
  }

  abortRestore(): void {
    this.#restored = undefined;
  }

  async setAside(held: number | undefined): Promise<string> {
    const format = this.#opened?.format ?? (await openFormat(this.#store));
    checkWritable(this.#store, format);
    if (this.#opened !== undefined && this.#open.writer.tenure === undefined) await this.#refresh();
    if (this.#opened !== undefined && held !== undefined) this.#checkEpoch(held);
    const { folder, end } = await copyAside(this.#store);
    if (this.#opened === undefined) await this.#adoptDamaged(format, end, held);
    const { epoch } = this.#cursor;
    const empty = { epoch, revision: 0, compacted: 0 };
    await this.#adoptReset(new RestoredLog(this.#store, empty, this.#nextWriter()));
    return `${this.#store.location}/${folder}`;
  }

  /** Goes on behind all that is there, whatever it is: a reset asks for nothing before it. */
  async #adoptDamaged(format: FormatFile, end: TailPosition, held?: number): Promise<void> {
    const epoch = Math.max(end.epoch, await newestEpoch(this.#store));
    if (held !== undefined && held !== epoch) throw epochLost(held, epoch);
    this.#adopt(format, { ...EMPTY, tail: new LogTail(end), epoch });
  }

  async verify(from: string | undefined): Promise<VerifiedSlice> {
    this.#readers.touch();
    return this.#verification.slice(from, () => verifyLog(this.#store, this.#open.state));
  }

  async readHolder(): Promise<string | undefined> {
    const found = await this.#store.get(HOLDER);
    return found && Buffer.from(found.body).toString('utf8');
  }

  async writeHolder(text: string): Promise<void> {
    await this.#store.put(HOLDER, Buffer.from(text));
  }

  async close(): Promise<void> {
    this.#opened = undefined;
    await this.#store[Symbol.asyncDispose]();
  }

  get #open(): Opened {
    if (this.#opened !== undefined) return this.#opened;
    throw new StorageFailedError(`Cannot use ${this.#store.location}: it is not open`);
  }

  /** Who does not hold the log, or does no longer, can find that the holder has compacted away what is being read. */
  async #whyUnreadable(error: unknown): Promise<unknown> {
    if (!(error instanceof CorruptDataError) || this.#open.writer.tenure !== undefined)
      return error;
    const { format, state } = this.#open;
    const now = await loadLog(this.#store);
    if (now.snapshot?.name === state.snapshot?.name) return error;
    this.#adopt(format, now);
    return new StorageUnreachableError(
      `Cannot read on in ${this.#store.location}: it was compacted meanwhile; read it anew`,
    );
  }

  /** Who holds an epoch writes under that one until barred, although a later one may have been claimed already. */
  get #cursor(): Cursor {
    const { state, writer } = this.#open;
    const cursor = cursorOf(state);
    return { ...cursor, epoch: writer.tenure?.epoch ?? cursor.epoch };
  }

  #adopt(format: FormatFile, state: LogState, tenure?: Tenure): void {
    const options: SegmentWriterOptions = {
      store: this.#store,
      writer: this.#writer,
      tail: state.tail,
      onSegment: (segment) => {
        const opened = this.#open;
        const { header } = segment;
        opened.isOutdated ||= header.snapshot !== undefined && header.writer !== this.#writer;
        opened.state = withSegment(opened.state, segment);
      },
    };
    const writer = new SegmentWriter(options, tenure);
    this.#opened = { format, state, writer, isOutdated: false };
    this.#forgetReaders();
  }

  /** What others have written since. */
  async #refresh(): Promise<void> {
    const { format, state } = this.#open;
    const next = await advance(this.#store, state);
    if (next === undefined) this.#adopt(format, await loadLog(this.#store));
    else this.#open.state = next;
  }

  /** Writes as the holder of the epoch; the first time it bars whoever held it in an earlier opening. */
  async #write<T>(work: (writer: SegmentWriter) => Promise<T>): Promise<T> {
    const { state, writer } = this.#open;
    try {
      if (writer.tenure === undefined) {
        const { epoch, term } = state.tail.position;
        await this.#fence({ epoch: state.epoch, term: epoch === state.epoch ? term + 1 : 1 });
      }
      return await work(this.#open.writer);
    } catch (error) {
      // So that the cursor says whose it is now.
      if (isEpochLost(error)) await this.#refresh();
      throw error;
    }
  }

  /** Bars all others. */
  async #fence(tenure: Tenure): Promise<void> {
    await this.#open.writer.fence(tenure);
    const { format, isOutdated } = this.#open;
    // From now on nobody else can name another.
    if (isOutdated) this.#adopt(format, await loadLog(this.#store), tenure);
  }

  async #step(compaction: AsyncGenerator<undefined, Compacted>) {
    try {
      return await compaction.next();
    } catch (error) {
      // What it has written so far is removed after the next one.
      this.#compaction = undefined;
      throw await this.#whyUnreadable(error);
    }
  }

  async #adoptCompacted(compacted: Compacted): Promise<void> {
    const older = this.#open.state.snapshot;
    const snapshot = await this.#write(async (writer) => {
      // Read anew in between, because another had named one first: ours may rest on what is gone.
      if (this.#open.state.snapshot !== older) return undefined;
      return nameSnapshot(this.#store, writer, compacted, older);
    });
    if (snapshot === undefined) return;
    const { state } = this.#open;
    const changes = state.changes.filter(({ last }) => last > snapshot.manifest.compacted);
    this.#open.state = { ...state, snapshot, older, changes };
    // Whoever reads from an earlier snapshot shall come to its end.
    if (this.#readers.sweep()) this.#startRemoval();
  }

  async #adoptReset(restored: RestoredLog): Promise<void> {
    const stored = await restored.finish();
    const snapshot = await this.#write((writer) =>
      nameSnapshot(this.#store, writer, stored, 'reset'),
    );
    const { state } = this.#open;
    const { history, revision } = snapshot.manifest;
    this.#open.state = { ...state, snapshot, older: undefined, changes: [...history], revision };
    this.#forgetReaders();
    this.#startRemoval();
  }

  /** A name that no other snapshot has. */
  #nextWriter(): string {
    this.#folders += 1;
    return `${this.#writer}-${this.#folders}`;
  }

  #startRemoval(): void {
    const { snapshot, older } = this.#open.state;
    const { epoch } = this.#cursor;
    this.#removal = removeUnneeded(this.#store, { snapshot, older, epoch });
  }

  #forgetReaders(): void {
    this.#readers.clear();
    this.#index.clear();
    this.#verification = new Verification();
    this.#compaction = undefined;
    this.#removal = undefined;
  }

  #checkEpoch(held: number): void {
    const found = this.#cursor.epoch;
    if (held !== found) throw epochLost(held, found);
  }
}

function epochLost(held: number, found: number): WorkerFailure {
  return new WorkerFailure({ type: 'epoch-lost', held, found });
}

const EMPTY = { snapshot: undefined, older: undefined, changes: [], revision: 0 };

function isEpochLost(error: unknown): boolean {
  return error instanceof WorkerFailure && error.failure.type === 'epoch-lost';
}
