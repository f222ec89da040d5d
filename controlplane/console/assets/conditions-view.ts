// What an object says about itself, in its own words.
import { h } from 'preact';
import type { ComponentChild } from 'preact';

import type { Condition } from './api-object.ts';
import { shown } from './parts.ts';

export function ConditionsView({
  conditions,
}: {
  readonly conditions: readonly Condition[];
}): ComponentChild {
  if (conditions.length === 0) return h('p', { class: 'none' }, 'None yet');
  return h(
    'dl',
    { class: 'conditions' },
    conditions.map(({ type, status, reason, message }) => [
      h('dt', { key: type }, `${shown(type)}: ${shown(status)}`),
      h('dd', { key: `${type} says` }, [reason, message].filter(Boolean).map(shown).join(': ')),
    ]),
  );
}
