// One machine: how it is, the steps that bring it to what is asked, and what it says about itself.
import { h } from 'preact';
import type { ComponentChild } from 'preact';

import type { Api } from './api.ts';
import { conditionOf } from './api-object.ts';
import { ConditionsView } from './conditions-view.ts';
import { EventsView } from './events-view.ts';
import { MACHINES } from './kinds.ts';
import { phaseState } from './machine.ts';
import type { Machine } from './machine.ts';
import { ObjectPage } from './object-page.ts';
import { Liveness, Mark, Section, shown } from './parts.ts';
import { hashOf } from './route.ts';
import { StepsView } from './steps-view.ts';

export function MachinePage({
  api,
  namespace,
  name,
}: {
  readonly api: Api;
  readonly namespace: string;
  readonly name: string;
}): ComponentChild {
  return h(ObjectPage<Machine>, {
    api,
    kind: MACHINES,
    namespace,
    name,
    what: 'machine',
    content: ({ spec, status }, list) => {
      const {
        phase,
        conditions = [],
        runningVersion,
        activeSlot,
        nodeRef,
        operation,
      } = status ?? {};
      const ready = conditionOf(conditions, 'Ready');
      const cluster = spec?.clusterRef?.name;
      const fact = (title: string, value: string | undefined): ComponentChild =>
        value === undefined ? null : h('span', null, `${title} ${shown(value)}`);
      return h(
        'div',
        null,
        h(
          'div',
          { class: 'bar' },
          h(Mark, phaseState(phase, conditions)),
          fact('runs', runningVersion),
          fact('slot', activeSlot),
          nodeRef === undefined
            ? null
            : h('a', { href: hashOf(['nodes', nodeRef.name]) }, `node ${shown(nodeRef.name)}`),
          cluster === undefined
            ? null
            : h(
                'a',
                { href: hashOf(['clusters', namespace, cluster]) },
                `of the cluster ${shown(cluster)}`,
              ),
          h(Liveness, { list }),
        ),
        ready === undefined || ready.status === 'True' ? null : h('p', null, shown(ready.message)),
        operation === undefined
          ? null
          : h(
              'p',
              null,
              shown(
                [`${operation.type}: ${operation.phase}`, operation.message]
                  .filter(Boolean)
                  .join(', '),
              ),
            ),
        h(Section, {
          id: 'steps',
          title: 'Steps',
          children: h(StepsView, { steps: status?.steps ?? [] }),
        }),
        h(Section, {
          id: 'conditions',
          title: 'Conditions',
          children: h(ConditionsView, { conditions }),
        }),
        h(Section, {
          id: 'events',
          title: 'Events',
          children: h(EventsView, { api, namespace, about: { kind: 'Machine', name } }),
        }),
      );
    },
  });
}
