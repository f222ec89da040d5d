// The steps of a machine as a tree: steps, and below them the tasks that they are made of.
import { h } from 'preact';
import type { ComponentChild } from 'preact';

import { stepDetails, stepState } from './machine.ts';
import type { MachineStep } from './machine.ts';
import { Mark, shown } from './parts.ts';
import { stepTree } from './step-tree.ts';

export function StepsView({ steps }: { readonly steps: readonly MachineStep[] }): ComponentChild {
  if (steps.length === 0) return h('p', { class: 'none' }, 'Nothing was done yet');
  return h(
    'ol',
    { class: 'steps' },
    stepTree(steps).map(({ step, tasks }, index) =>
      h(
        'li',
        { key: `${index} ${step.name}` },
        h(Step, { step }),
        tasks.length === 0
          ? null
          : h(
              'ol',
              { class: 'steps' },
              tasks.map((task, place) =>
                h('li', { key: `${place} ${task.name}` }, h(Step, { step: task })),
              ),
            ),
      ),
    ),
  );
}

function Step({ step }: { readonly step: MachineStep }): ComponentChild {
  const { tone, word } = stepState(step.state);
  return [
    h(Mark, { tone, word }),
    ` ${shown(step.name)} `,
    h('span', { class: 'detail' }, shown(stepDetails(step))),
  ];
}
