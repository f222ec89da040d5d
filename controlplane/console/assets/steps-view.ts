// The steps of a machine as a tree: steps, and below them the tasks that they are made of.
import { h } from 'preact';
import type { ComponentChild } from 'preact';

import { isTask, stepDetails, stepState } from './machine.ts';
import type { MachineStep } from './machine.ts';
import { Mark, shown } from './parts.ts';

export function StepsView({ steps }: { readonly steps: readonly MachineStep[] }): ComponentChild {
  if (steps.length === 0) return h('p', { class: 'none' }, 'No steps');
  return h(
    'ol',
    { class: 'steps' },
    steps.map((step, index) => {
      const { tone, word } = stepState(step.state);
      return h(
        'li',
        { key: `${index} ${step.name}`, class: isTask(step) ? 'task' : '' },
        h(Mark, { tone, word }),
        ` ${shown(step.name)} `,
        h('span', { class: 'detail' }, shown(stepDetails(step))),
      );
    }),
  );
}
