// One instance: how it is, its log, what happened to it.
import { h } from 'preact';
import type { ComponentChild } from 'preact';

import type { Api } from './api.ts';
import { ConditionsView } from './conditions-view.ts';
import { EventsView } from './events-view.ts';
import { podState, SERVICE_LABEL } from './instance.ts';
import type { Pod } from './instance.ts';
import { PODS } from './kinds.ts';
import { LogView } from './log-view.ts';
import { Liveness, Mark, Section, shown } from './parts.ts';
import { hashOf } from './route.ts';
import { ObjectPage } from './object-page.ts';

export function InstancePage({
  api,
  namespace,
  name,
}: {
  readonly api: Api;
  readonly namespace: string;
  readonly name: string;
}): ComponentChild {
  return h(ObjectPage<Pod>, {
    api,
    kind: PODS,
    namespace,
    name,
    what: 'instance',
    content: (pod, list) => {
      const { tone, word, detail } = podState(pod);
      const service = pod.metadata.labels?.[SERVICE_LABEL];
      const containers = (pod.spec?.containers ?? []).map((container) => container.name);
      return h(
        'div',
        null,
        h(
          'div',
          { class: 'bar' },
          h(Mark, { tone, word }),
          h('span', null, `on ${shown(pod.spec?.nodeName ?? 'no machine yet')}`),
          service === undefined
            ? null
            : h('a', { href: hashOf(['services', namespace, service]) }, `of ${shown(service)}`),
          h(Liveness, { list }),
        ),
        detail === '' ? null : h('p', null, shown(detail)),
        h(Section, {
          title: 'Log',
          id: 'log',
          children: h(LogView, { api, namespace, name, containers }),
        }),
        h(Section, {
          title: 'Conditions',
          id: 'conditions',
          children: h(ConditionsView, { conditions: pod.status?.conditions ?? [] }),
        }),
        h(Section, {
          title: 'Events',
          id: 'events',
          children: h(EventsView, { api, namespace, about: { kind: 'Pod', name } }),
        }),
      );
    },
  });
}
