// All checks over one history. The fast ones first: they say more about what went wrong.
import { describe } from './history.ts';
import type { History, Operation } from './history.ts';
import { linearize } from './linearize.ts';
import {
  fromNowhere,
  listingOrder,
  listings,
  revisionOrder,
  versionsOf,
} from './revision-checks.ts';
import { watchProblems } from './watch-checks.ts';

/** What is wrong with the history, a line each; empty when nothing is. */
export function problemsOf(history: History): readonly string[] {
  const { revisions, problems } = versionsOf(history);
  return [
    ...problems,
    ...fromNowhere(history, revisions),
    ...revisionOrder(history.operations),
    ...listingOrder(history),
    ...watchProblems(history),
    ...listings(history),
    ...notLinearizable(decided(history.operations, revisions)),
  ];
}

/** Where somebody has seen the value of a write of unknown outcome, the outcome is known after all. */
function decided(
  operations: readonly Operation[],
  revisions: ReadonlyMap<string, number>,
): readonly Operation[] {
  return operations.map((operation): Operation => {
    const { action, outcome } = operation;
    if (outcome.result !== 'unknown' || !('value' in action)) return operation;
    const revision = revisions.get(action.value);
    return revision === undefined
      ? operation
      : { ...operation, outcome: { result: 'written', revision } };
  });
}

function notLinearizable(operations: readonly Operation[]): string[] {
  return [...Map.groupBy(operations, ({ action }) => action.key)].flatMap(([key, ofKey]) => {
    const found = linearize(ofKey);
    if (found.verdict === 'linearizable') return [];
    if (found.verdict === 'too hard') return [`${key}: no verdict over ${ofKey.length} operations`];
    const lines = (some: readonly Operation[]): string =>
      some.map((operation) => `\n    ${describe(operation)}`).join('');
    return [
      `${key}: no order fits. As far as it goes:${lines(found.longest.slice(-8))}\n  and then none of:${lines(found.stuck)}`,
    ];
  });
}
