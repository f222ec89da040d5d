// What one object may do, as a state machine: the model that histories are held against.
import type { Operation, Version } from './history.ts';

/** undefined: there is none. A revision of NaN is one that nobody was told. */
export type Register = Version | undefined;

/** The state after an operation with that outcome, or 'impossible'. */
export function step(state: Register, { action, outcome }: Operation): Register | 'impossible' {
  switch (outcome.result) {
    case 'found':
      return state?.revision === outcome.revision && state.value === outcome.value
        ? state
        : 'impossible';
    case 'absent':
      return state === undefined ? state : 'impossible';
    case 'refused':
      return isAllowed(state, action) ? 'impossible' : state;
    case 'written':
      return isAllowed(state, action) && 'value' in action
        ? { revision: outcome.revision, value: action.value }
        : 'impossible';
    case 'deleted':
      return isAllowed(state, action) ? undefined : 'impossible';
    case 'unknown':
      if (action.verb === 'get') return state;
      if (!isAllowed(state, action)) return 'impossible';
      return 'value' in action ? { revision: Number.NaN, value: action.value } : undefined;
  }
}

function isAllowed(state: Register, action: Operation['action']): boolean {
  if (action.verb === 'create') return state === undefined;
  if (action.verb === 'get') return true;
  return state?.revision === action.expected;
}
