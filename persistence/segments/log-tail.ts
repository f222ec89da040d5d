// Which segments belong to the log. Numbers are walked upwards; one belongs when it ties itself to the last that does and its
// writer's word weighs at least as much. Others are what slower writers left behind, or damage: see docs/persistence-format.md.
import { CorruptDataError } from '../errors.ts';
import { parseSegment } from './segment.ts';
import type { Segment, SegmentHeader } from './segment.ts';

/** The last segment that belongs to the log. */
export interface TailPosition {
  readonly segment: number;
  readonly sha256: string;
  readonly epoch: number;
  readonly term: number;
}

/** The beginning of every log. */
export const GENESIS: TailPosition = { segment: 0, sha256: '', epoch: 0, term: 0 };

export type Verdict =
  | { readonly kind: 'accepted'; readonly segment: Segment }
  /** Of a writer that has been barred since: counts for nothing. */
  | { readonly kind: 'void' }
  /** Not of this log, as far as it is known yet. */
  | { readonly kind: 'suspect'; readonly why: string; readonly isTorn: boolean };

/** Negative when the first weighs less. */
export function compareWeight(
  left: Pick<SegmentHeader, 'epoch' | 'term'>,
  right: Pick<SegmentHeader, 'epoch' | 'term'>,
): number {
  return left.epoch - right.epoch || left.term - right.term;
}

interface Suspect {
  readonly number: number;
  readonly why: string;
  readonly isTorn?: boolean;
  readonly isMissing?: boolean;
}

export class LogTail {
  #position: TailPosition;
  #number: number;
  /** What did not belong since the last that did. */
  #suspects: Suspect[] = [];

  constructor(position: TailPosition) {
    this.#position = position;
    this.#number = position.segment;
  }

  get position(): TailPosition {
    return this.#position;
  }

  /** The number to look at next. */
  get next(): number {
    return this.#number + 1;
  }

  /** Judges the body of the number `next`, and goes on to the one after. */
  add(body: Uint8Array): Verdict {
    const number = this.next;
    this.#number = number;
    const verdict = this.#judge(body, number);
    if (verdict.kind === 'suspect') this.#suspects.push({ number, ...verdict });
    if (verdict.kind === 'accepted') this.#accept(verdict.segment);
    return verdict;
  }

  /** Goes on behind a segment that was made for this place and has just been created: its bytes need no second look. */
  addOwn(segment: Segment): void {
    this.#number = this.next;
    this.#accept(segment);
  }

  #accept({ header, sha256 }: Segment): void {
    this.#position = { segment: this.#number, sha256, epoch: header.epoch, term: header.term };
    // Whoever wrote it knew of what lies before it, and said that it is not to count.
    this.#suspects = [];
  }

  #judge(body: Uint8Array, number: number): Verdict {
    const parsed = parseSegment(body, number);
    if (parsed.state === 'torn') return { kind: 'suspect', why: 'it is cut off', isTorn: true };
    if (parsed.state === 'damaged') return { kind: 'suspect', why: parsed.why, isTorn: false };
    const { segment } = parsed;
    if (compareWeight(segment.header, this.#position) < 0) return { kind: 'void' };
    const { after, previous } = segment.header;
    if (after === this.#position.segment && previous === this.#position.sha256) {
      return { kind: 'accepted', segment };
    }
    const why = `it follows another segment ${after} than the one that is there`;
    return { kind: 'suspect', why, isTorn: false };
  }

  /** The number `next` is free although later ones are taken. */
  addMissing(): void {
    this.#number += 1;
    this.#suspects.push({ number: this.#number, why: 'it is missing', isMissing: true });
  }

  /**
   * To be called when everything was looked at. What may be left is a torn one at the very end, which nobody can have relied on,
   * and what barred writers put behind the end.
   *
   * @throws CorruptDataError naming the first that should belong and does not
   */
  finish(nameOf: (segment: number) => string): void {
    const [first, second] = this.#suspects;
    if (first === undefined || this.#suspects.every(({ isMissing }) => isMissing === true)) return;
    if (first.isTorn === true && second === undefined) return;
    throw new CorruptDataError(`${nameOf(first.number)}: ${first.why}`);
  }
}
