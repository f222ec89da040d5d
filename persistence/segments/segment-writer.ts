// Adds segments at the end of a log. The next number is had by whoever creates it first; that is all that keeps two writers apart.
// Who finds it taken reads what is there: its own bytes (the answer got lost), what an earlier writer left, or its successor's.
import {
  CorruptDataError,
  StorageFailedError,
  StorageFullError,
  StorageUnreachableError,
} from '../errors.ts';
import type { LogRecord } from '../provider.ts';
import { WorkerFailure } from '../thread/failures.ts';
import { NothingWrittenError } from './blob-store.ts';
import type { BlobStore } from './blob-store.ts';
import { segmentName } from './blob-names.ts';
import { compareWeight } from './log-tail.ts';
import type { LogTail, TailPosition } from './log-tail.ts';
import { encodeSegment, parseSegment } from './segment.ts';
import type { NamedSnapshot, NewSegment, Segment, SegmentHeader } from './segment.ts';

/** Rounds of finding out what became of a write, each bounded by the driver's deadline. */
const RESOLVE_ROUNDS = 3;
const RACES = 1_000;

export interface Tenure {
  readonly epoch: number;
  readonly term: number;
}

export interface SegmentWriterOptions {
  readonly store: BlobStore;
  /** Random, of this opening. */
  readonly writer: string;
  readonly tail: LogTail;
  /** Called with each segment that turns out to belong to the log, one's own and others', in order. */
  readonly onSegment: (segment: Segment) => void;
}

export class SegmentWriter {
  readonly #options: SegmentWriterOptions;
  #tenure: Tenure | undefined;
  /** Checksum of the last segment of ours that was found although its answer got lost. */
  #arrived: string | undefined;

  /** @param tenure of the writer that this one takes the place of, for the same log read anew */
  constructor(options: SegmentWriterOptions, tenure?: Tenure) {
    this.#options = options;
    this.#tenure = tenure;
  }

  /** Behind the last segment of the log. */
  get position(): TailPosition {
    return this.#options.tail.position;
  }

  /** What it writes under; undefined before it has barred all others. */
  get tenure(): Tenure | undefined {
    return this.#tenure;
  }

  /**
   * Bars all who write with less weight, by an empty segment at the first free number. What they had finished before stays.
   *
   * @throws WorkerFailure `epoch-lost` when somebody has barred us
   */
  async fence(tenure: Tenure): Promise<void> {
    this.#tenure = undefined;
    await this.#place(tenure, (place) => Promise.resolve(encodeSegment(place, [])));
    this.#tenure = tenure;
  }

  /**
   * Makes records durable as one.
   *
   * @throws WorkerFailure `epoch-lost`, StorageFullError, StorageUnreachableError when nothing was kept, StorageFailedError when
   *   that is not known
   */
  async append(records: readonly LogRecord[]): Promise<void> {
    await this.#write((place) => Promise.resolve(encodeSegment(place, records)));
  }

  /**
   * Makes a snapshot count.
   *
   * @param prepare stores its manifest, to be named by the segment of this number
   * @throws as append()
   */
  async name(prepare: (segment: number) => Promise<NamedSnapshot>): Promise<void> {
    await this.#write(async (place) =>
      encodeSegment({ ...place, snapshot: await prepare(place.segment) }, []),
    );
  }

  async #write(make: (place: PlaceOfSegment) => Promise<NewSegment>): Promise<void> {
    const tenure = this.#tenure;
    if (tenure === undefined) throw new TypeError('Nothing can be written before a fence');
    let tried: NewSegment | undefined;
    try {
      await this.#place(tenure, async (place) => {
        tried = await make(place);
        return tried;
      });
    } catch (error) {
      const isUnknown =
        error instanceof StorageUnreachableError && !(error instanceof NothingWrittenError);
      if (!isUnknown || tried === undefined) throw error;
      await this.#resolve(tenure, tried, error);
    }
  }

  /** Finds out what became of a segment; if it is not there, sees to it that it never will be. */
  async #resolve(tenure: Tenure, segment: Segment, cause: Error): Promise<void> {
    let last: unknown = cause;
    for (let round = 0; round < RESOLVE_ROUNDS; round += 1) {
      try {
        // A fence at the same number: either it gets there first, or it finds what did.
        await this.fence({ epoch: tenure.epoch, term: tenure.term + 1 + round });
      } catch (error) {
        if (error instanceof StorageUnreachableError || error instanceof StorageFullError) {
          last = error;
          continue;
        }
        // Who has taken over since found it where it belongs, and keeps it.
        if (error instanceof WorkerFailure && this.#arrived === segment.sha256) return;
        throw error;
      }
      if (this.#arrived === segment.sha256) return;
      throw new StorageUnreachableError(cause.message, { cause });
    }
    throw new StorageFailedError(
      `Cannot write to ${this.#options.store.location}: what became of the last write is not known (${(last as Error).message})`,
      { cause: last },
    );
  }

  /** Gives a segment the first free number. */
  async #place(
    tenure: Tenure,
    make: (place: PlaceOfSegment) => Promise<NewSegment>,
  ): Promise<void> {
    const { store, writer, tail, onSegment } = this.#options;
    for (let race = 0; race < RACES; race += 1) {
      // The log may have been read anew since the fence, and have another's in it by now.
      if (compareWeight(tail.position, tenure) > 0) this.#lose(tenure, tail.position.epoch);
      const { segment: after, sha256: previous } = tail.position;
      const number = tail.next;
      const segment = await make({ segment: number, ...tenure, writer, after, previous });
      const name = segmentName(number);
      if ((await store.putIfAbsent(name, segment.bytes, segment.bytesSha256)) === 'created') {
        tail.addOwn(segment);
        onSegment(segment);
        return;
      }
      const found = await store.get(name);
      if (found === undefined) continue;
      if (segment.bytes.equals(found.body)) {
        tail.addOwn(segment);
        onSegment(segment);
        return;
      }
      this.#meet(found.body, number, tenure);
    }
    throw new StorageFailedError(
      `Cannot write to ${store.location}: another writer was faster ${RACES} times`,
    );
  }

  #lose({ epoch }: Tenure, found: number): never {
    this.#tenure = undefined;
    if (found > epoch) throw new WorkerFailure({ type: 'epoch-lost', held: epoch, found });
    throw new StorageFailedError(
      `Cannot write to ${this.#options.store.location}: it was opened again, and written to, at the same epoch`,
    );
  }

  /** Somebody else has the number. */
  #meet(body: Uint8Array, number: number, tenure: Tenure): void {
    const { store, tail, onSegment, writer } = this.#options;
    const parsed = parseSegment(body, number);
    if (parsed.state === 'whole' && isBarring(parsed.segment.header, tenure, writer)) {
      this.#lose(tenure, parsed.segment.header.epoch);
    }
    const verdict = tail.add(body);
    if (verdict.kind === 'accepted') {
      const { header, sha256 } = verdict.segment;
      const isFence = header.records === 0 && header.snapshot === undefined;
      if (header.writer === writer && !isFence) this.#arrived = sha256;
      onSegment(verdict.segment);
    }
    if (verdict.kind === 'suspect' && !verdict.isTorn) {
      throw new CorruptDataError(
        `Cannot write to ${store.location}: ${segmentName(number)}: ${verdict.why}`,
      );
    }
  }
}

/** Whether one may not write behind this segment of another: two of the same weight would take turns. */
function isBarring(header: SegmentHeader, tenure: Tenure, writer: string): boolean {
  const weight = compareWeight(header, tenure);
  return weight > 0 || (weight === 0 && header.writer !== writer);
}

type PlaceOfSegment = Pick<
  SegmentHeader,
  'segment' | 'epoch' | 'term' | 'writer' | 'after' | 'previous'
>;
