// What the main thread and the worker of an instance say to each other. Objects travel only as one transferred
// ArrayBuffer (encoding.ts): cloning them costs five times as much.
import type { Cursor } from '../provider.ts';
import type { Failure } from './failures.ts';

export type Command =
  | { readonly verb: 'open' }
  | { readonly verb: 'claim'; readonly machine: string; readonly atLeast: number }
  | { readonly verb: 'cursor' }
  /** `returns`: the answer has the batch again. */
  | { readonly verb: 'append'; readonly batch: ArrayBuffer; readonly returns?: true }
  /** One change whose revision the worker chooses; the batch has a single record. */
  | { readonly verb: 'write'; readonly batch: ArrayBuffer }
  /** The rows after a revision, as many as fit; `history` insists that no change is missing. */
  | { readonly verb: 'read'; readonly after: number; readonly history: boolean }
  | { readonly verb: 'get'; readonly kind: string; readonly key: string }
  | { readonly verb: 'getAll'; readonly kind: string }
  /** One slice of compaction. */
  | { readonly verb: 'compact'; readonly through: number }
  /** Restoring: a beginning, parts in order, then the end that makes it count. */
  | { readonly verb: 'restoreBegin'; readonly cursor: Cursor }
  | { readonly verb: 'restorePart'; readonly batch: ArrayBuffer }
  | { readonly verb: 'restoreEnd' }
  | { readonly verb: 'restoreAbort' }
  | { readonly verb: 'setAside'; readonly epoch: number | undefined }
  /** One slice of verification: from the start, or from the `next` of the slice before. */
  | { readonly verb: 'verify'; readonly from: string | undefined }
  | { readonly verb: 'readHolder' }
  | { readonly verb: 'writeHolder'; readonly text: string }
  | { readonly verb: 'close' };

/** Counted in one slice of verification. */
export interface VerifiedSlice {
  readonly records: number;
  readonly bytes: number;
  /** Where the next one goes on; undefined after the last. */
  readonly next: string | undefined;
}

export interface Request {
  readonly id: number;
  readonly command: Command;
}

/** What a command answers; only the parts that it has. */
export interface Result {
  readonly cursor?: Cursor;
  /** Absent: nothing found, or no more rows. Of append: the one that was sent, where it is to be returned. */
  readonly batch?: ArrayBuffer;
  /** Of compact: false when another slice is needed. */
  readonly done?: boolean;
  /** Of setAside: where it is now; of readHolder: the note. */
  readonly text?: string;
  readonly slice?: VerifiedSlice;
}

export type Response =
  | { readonly id: number; readonly result: Result }
  /** `isDown`: the instance takes no more writes until it is opened anew. */
  | { readonly id: number; readonly failure: Failure; readonly isDown: boolean };
