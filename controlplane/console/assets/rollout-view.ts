// A rollout as it happens: the plan, the state of each operation, and why it is there.
import { h } from 'preact';
import type { ComponentChild } from 'preact';

import { Mark, shown } from './parts.ts';
import { operationText, progressOf, stateWord } from './service.ts';
import type { Service } from './service.ts';

export function RolloutView({ service }: { readonly service: Service }): ComponentChild {
  const plan = service.status?.plan;
  const operations = plan?.operations ?? [];
  const { done, all } = progressOf(service);
  if (all === 0) return h('p', { class: 'none' }, 'Nothing to do: all is as it is described');
  const said = `${done} of ${all} operations done`;
  return h(
    'div',
    null,
    h('p', null, shown(plan?.summary)),
    h('progress', { value: done, max: all, 'aria-label': said }),
    h('p', { role: 'status', 'aria-live': 'polite' }, said),
    h(
      'ol',
      { class: 'operations' },
      operations.map((operation, index) => {
        const { tone, word } = stateWord(operation.state);
        return h(
          'li',
          { key: `${index} ${operation.op} ${operation.pod ?? ''}`, class: tone },
          h(Mark, { tone, word }),
          ' ',
          h('span', { class: 'operation' }, shown(operationText(operation))),
          h(
            'ul',
            { class: 'reasons' },
            (operation.reasons ?? []).map((reason) => h('li', { key: reason }, shown(reason))),
          ),
        );
      }),
    ),
  );
}
