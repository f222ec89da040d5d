// What the engine knows of a log: the snapshot that it starts from, the changes since, and where it ends.
import type { Cursor } from '../provider.ts';
import type { LogTail, TailPosition } from './log-tail.ts';
import type { Segment } from './segment.ts';
import type { Manifest } from './snapshot.ts';
import { segmentName } from './blob-names.ts';

/** A blob with changes: a segment, or a history part of the snapshot. */
export interface Change {
  readonly name: string;
  /** Revisions of the first and the last record. */
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
  readonly records: number;
  /** Of the whole part, or that of a segment's trailer. */
  readonly sha256: string;
  /** Where the log is after it; absent for a part. */
  readonly position?: TailPosition;
}

/** A manifest and where it lies. */
export interface Snapshot {
  readonly name: string;
  readonly manifest: Manifest;
  /** Behind the segment that names it. */
  readonly position: TailPosition;
}

export interface LogState {
  /** The newest; undefined while the log has all its segments. */
  readonly snapshot: Snapshot | undefined;
  /** The one before, which the log could still be read from. */
  readonly older: Snapshot | undefined;
  /** With something above the compacted revision, in order. */
  readonly changes: readonly Change[];
  readonly tail: LogTail;
  /** The newest that anybody has claimed. */
  readonly epoch: number;
  readonly revision: number;
}

export function cursorOf({ epoch, revision, snapshot }: LogState): Cursor {
  return { epoch, revision, compacted: snapshot?.manifest.compacted ?? 0 };
}

/** The place behind a segment. */
export function positionOf({ header, sha256 }: Segment): TailPosition {
  const { segment, epoch, term } = header;
  return { segment, sha256, epoch, term };
}

/** The change that a segment is; undefined for one without records. */
export function changeOf(of: Segment): Change | undefined {
  const { header, sha256, bytes } = of;
  if (header.records === 0) return undefined;
  const { segment, first, last, records } = header;
  return {
    name: segmentName(segment),
    first,
    last,
    bytes: bytes.length,
    records,
    sha256,
    position: positionOf(of),
  };
}

/** The state once a segment has been added at its end. */
export function withSegment(state: LogState, segment: Segment): LogState {
  const { epoch, last } = segment.header;
  const change = changeOf(segment);
  return {
    ...state,
    // In place: a log can have very many, and only the engine holds them.
    changes: change === undefined ? state.changes : pushed(state.changes, change),
    epoch: Math.max(state.epoch, epoch),
    revision: Math.max(state.revision, last),
  };
}

function pushed(changes: readonly Change[], change: Change): readonly Change[] {
  (changes as Change[]).push(change);
  return changes;
}
