// What revisions promise beyond single objects: one line for everything, in the order of the clock, and lists that show one point of it.
// Each in one pass over the history.
import { describe } from './history.ts';
import type { History, Operation, Version } from './history.ts';

/** Every version that somebody was told of, by its unique value. Values that were told with two revisions are in `problems`. */
export function versionsOf(history: History): {
  readonly revisions: ReadonlyMap<string, number>;
  readonly problems: readonly string[];
} {
  const revisions = new Map<string, number>();
  const problems: string[] = [];
  const told = ({ value, revision }: Version): void => {
    const known = revisions.get(value);
    if (known !== undefined && known !== revision)
      problems.push(`${value} was told with the revisions ${known} and ${revision}`);
    revisions.set(value, revision);
  };
  for (const { action, outcome } of history.operations) {
    if (outcome.result === 'found') told(outcome);
    if (outcome.result === 'written' && 'value' in action)
      told({ value: action.value, revision: outcome.revision });
  }
  for (const { items } of history.listings) for (const item of items.values()) told(item);
  for (const { events } of history.watches)
    for (const event of events)
      if (event.type === 'ADDED' || event.type === 'MODIFIED') told(event);
  return { revisions, problems };
}

/** Values that were read and that nobody ever tried to write. */
export function fromNowhere(history: History, revisions: ReadonlyMap<string, number>): string[] {
  const written = new Set(
    history.operations.flatMap(({ action }) => ('value' in action ? [action.value] : [])),
  );
  return [...revisions.keys()]
    .filter((value) => !written.has(value))
    .map((value) => `${value} was read and never written`);
}

/** No revision twice; and what ended before another write began has the smaller one. */
export function revisionOrder(operations: readonly Operation[]): string[] {
  const writes = operations.flatMap((operation) =>
    operation.outcome.result === 'written'
      ? [{ operation, revision: operation.outcome.revision }]
      : [],
  );
  const problems: string[] = [];
  const owners = new Map<number, Operation>();
  for (const { operation, revision } of writes) {
    const owner = owners.get(revision);
    if (owner !== undefined)
      problems.push(
        `revision ${revision} was given twice: ${describe(owner)} and ${describe(operation)}`,
      );
    owners.set(revision, operation);
  }
  const ended = writes.toSorted((a, b) => a.operation.end - b.operation.end);
  let next = 0;
  let newest: (typeof writes)[number] | undefined;
  for (const write of writes.toSorted((a, b) => a.operation.begin - b.operation.begin)) {
    for (
      let other = ended[next];
      other !== undefined && other.operation.end < write.operation.begin;
      other = ended[++next]
    )
      if (newest === undefined || other.revision > newest.revision) newest = other;
    if (newest !== undefined && newest.revision > write.revision)
      problems.push(
        `the revision went back: ${describe(newest.operation)}, and later ${describe(write.operation)}`,
      );
  }
  return problems;
}

/** A list shows, of each object, the newest version at its revision: as the longest watch log tells it. */
export function listings({ listings: all, watches }: History): string[] {
  const log = watches.toSorted((a, b) => a.since - b.since)[0];
  if (log === undefined) return [];
  const problems: string[] = [];
  const state = new Map<string, Version>();
  let next = 0;
  for (const listing of all.toSorted((a, b) => a.revision - b.revision)) {
    if (listing.revision < log.since || listing.revision > log.through) continue;
    for (
      let event = log.events[next];
      event !== undefined && event.revision <= listing.revision;
      event = log.events[++next]
    ) {
      if (event.type === 'DELETED') state.delete(event.key);
      else if (event.type !== 'BOOKMARK') state.set(event.key, event);
    }
    for (const key of new Set([...state.keys(), ...listing.items.keys()])) {
      const [expected, found] = [state.get(key)?.value, listing.items.get(key)?.value];
      if (expected !== found)
        problems.push(
          `the list at ${listing.revision} has ${key} = ${found ?? 'nothing'}, the watch says ${expected ?? 'nothing'}`,
        );
    }
  }
  return problems;
}

/** A later list is at no older revision than an earlier one, nor older than a write that was acknowledged before it began. */
export function listingOrder({ listings: all, operations }: History): string[] {
  const problems: string[] = [];
  for (const listing of all) {
    for (const earlier of all)
      if (earlier.end < listing.begin && earlier.revision > listing.revision)
        problems.push(`a list at ${listing.revision} came after one at ${earlier.revision}`);
    for (const operation of operations) {
      const { outcome, end } = operation;
      if (
        outcome.result === 'written' &&
        end < listing.begin &&
        outcome.revision > listing.revision
      )
        problems.push(`a list at ${listing.revision} does not know ${describe(operation)}`);
    }
  }
  return problems;
}
