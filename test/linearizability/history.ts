// What clients did and what they were told, in the order of one observer: the input of every check of this folder.

export type Action =
  | { readonly verb: 'create'; readonly key: string; readonly value: string }
  | {
      readonly verb: 'update';
      readonly key: string;
      readonly value: string;
      /** The revision that it is based on. */
      readonly expected: number;
    }
  | { readonly verb: 'delete'; readonly key: string; readonly expected: number }
  | { readonly verb: 'get'; readonly key: string };

export type Outcome =
  | { readonly result: 'written'; readonly revision: number }
  | { readonly result: 'deleted' }
  | { readonly result: 'found'; readonly revision: number; readonly value: string }
  | { readonly result: 'absent' }
  /** The server says that the condition of a write did not hold. */
  | { readonly result: 'refused' }
  /** No answer, or one that leaves it open: it may have happened, may happen later, or never. */
  | { readonly result: 'unknown' };

/** Values are unique: no two writes of a history have the same one. */
export interface Operation {
  readonly action: Action;
  readonly outcome: Outcome;
  /** Ticks of the observer's counter. What ended before something else began happened before it. */
  readonly begin: number;
  /** Infinity where the outcome is unknown. */
  readonly end: number;
}

export interface Version {
  readonly revision: number;
  readonly value: string;
}

/** One read of everything. */
export interface Listing {
  readonly revision: number;
  readonly items: ReadonlyMap<string, Version>;
  readonly begin: number;
  readonly end: number;
}

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  /** '' for a bookmark. */
  readonly key: string;
  readonly revision: number;
  readonly value: string;
}

/** What one watcher saw from `since` on. Reconnections continue from its last event and are not told apart. */
export interface WatchLog {
  readonly since: number;
  /** Whether there was nothing at `since`. */
  readonly startsEmpty: boolean;
  readonly events: readonly WatchEvent[];
  /** The revision up to which the watcher waited in the end, so that everything up to it must be there. */
  readonly through: number;
}

export interface History {
  readonly operations: readonly Operation[];
  readonly listings: readonly Listing[];
  readonly watches: readonly WatchLog[];
}

/** `update a=v7 if 12 → written 13 [3, 9]`, for people who read a counterexample. */
export function describe({ action, outcome, begin, end }: Operation): string {
  const value = 'value' in action ? `=${action.value}` : '';
  const condition = 'expected' in action ? ` if ${action.expected}` : '';
  const revision = 'revision' in outcome ? ` ${outcome.revision}` : '';
  const found = outcome.result === 'found' ? ` ${outcome.value}` : '';
  return `${action.verb} ${action.key}${value}${condition} → ${outcome.result}${revision}${found} [${begin}, ${end}]`;
}
