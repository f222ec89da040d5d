// What watches promise, named as etcd's robustness tests name it: ordered, unique, reliable, resumable, bookmarkable, and the right type
// of each event. A log that was continued over reconnections is checked as one, which is what resumable means.
import { describe } from './history.ts';
import type { History, WatchEvent, WatchLog } from './history.ts';

export function watchProblems(history: History): string[] {
  return history.watches.flatMap((log, index) =>
    [
      ...ordered(log),
      ...types(log),
      ...reliable(log, history),
      ...agreeing(log, history.watches[0] ?? log),
    ].map((problem) => `watch ${index}: ${problem}`),
  );
}

/** Ordered, unique and bookmarkable: each event is newer than all before it; a bookmark may repeat the newest. */
function ordered({ since, events }: WatchLog): string[] {
  const problems: string[] = [];
  let newest = since;
  for (const event of events) {
    const isNewer = event.type === 'BOOKMARK' ? event.revision >= newest : event.revision > newest;
    if (!isNewer) problems.push(`${show(event)} after revision ${newest}`);
    newest = Math.max(newest, event.revision);
  }
  return problems;
}

/** ADDED exactly for objects that are not there, where the log knows. */
function types({ startsEmpty, events }: WatchLog): string[] {
  const problems: string[] = [];
  const known = new Map<string, boolean>();
  for (const event of events) {
    if (event.type === 'BOOKMARK') continue;
    const isThere = known.get(event.key) ?? (startsEmpty ? false : undefined);
    if (isThere !== undefined && isThere !== (event.type !== 'ADDED'))
      problems.push(`${show(event)}, but the object was ${isThere ? '' : 'not '}there`);
    known.set(event.key, event.type !== 'DELETED');
  }
  return problems;
}

/** Every acknowledged write in the range is there, and no event of a write that was refused or never made. */
function reliable({ since, events, through }: WatchLog, { operations }: History): string[] {
  const problems: string[] = [];
  const seen = new Map(events.map((event) => [event.revision, event]));
  const values = new Set(events.map(({ value }) => value));
  for (const operation of operations) {
    const { action, outcome } = operation;
    if (outcome.result === 'refused' && 'value' in action && values.has(action.value))
      problems.push(`an event shows what was refused: ${describe(operation)}`);
    if (outcome.result !== 'written' || outcome.revision <= since || outcome.revision > through)
      continue;
    const event = seen.get(outcome.revision);
    if (event === undefined) problems.push(`no event for ${describe(operation)}`);
    else if (event.key !== action.key || ('value' in action && event.value !== action.value))
      problems.push(`${show(event)} for ${describe(operation)}`);
  }
  return problems;
}

/** Two logs say the same where both look. */
function agreeing(log: WatchLog, other: WatchLog): string[] {
  const since = Math.max(log.since, other.since);
  const through = Math.min(log.through, other.through);
  const range = ({ events }: WatchLog): readonly string[] =>
    events
      .filter(
        ({ type, revision }) => type !== 'BOOKMARK' && revision > since && revision <= through,
      )
      .map(show);
  const [mine, theirs] = [range(log), range(other)];
  const at = mine.findIndex((line, index) => line !== theirs[index]);
  if (at < 0 && mine.length === theirs.length) return [];
  const place = at < 0 ? mine.length : at;
  return [
    `says ${mine[place] ?? 'nothing'} where another watch says ${theirs[place] ?? 'nothing'}`,
  ];
}

function show({ type, key, revision, value }: WatchEvent): string {
  return `${type} ${key}=${value} at ${revision}`;
}
