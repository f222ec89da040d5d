// One service: how it is, its rollout, instances, revisions and events, and what can be done to it.
import { h } from 'preact';
import type { ComponentChild } from 'preact';

import type { Api } from './api.ts';
import { ConditionsView } from './conditions-view.ts';
import { EventsView } from './events-view.ts';
import { InstancesView } from './instances-view.ts';
import { SERVICES } from './kinds.ts';
import { ObjectPage } from './object-page.ts';
import { Liveness, Mark, Section, shown } from './parts.ts';
import { RevisionsView } from './revisions-view.ts';
import { RolloutView } from './rollout-view.ts';
import { ServiceActions } from './service-actions.ts';
import { healthOf, imagesOf, instancesOf } from './service.ts';
import type { Service } from './service.ts';

export function ServicePage({
  api,
  namespace,
  name,
}: {
  readonly api: Api;
  readonly namespace: string;
  readonly name: string;
}): ComponentChild {
  return h(ObjectPage<Service>, {
    api,
    kind: SERVICES,
    namespace,
    name,
    what: 'service',
    content: (service, list) => {
      const { tone, word, detail } = healthOf(service);
      const section = (id: string, title: string, children: ComponentChild): ComponentChild =>
        h(Section, { id, title, children });
      return h(
        'div',
        null,
        h(
          'div',
          { class: 'bar' },
          h(Mark, { tone, word }),
          h('span', null, `${instancesOf(service)} instances ready`),
          h('code', null, shown(imagesOf(service))),
          h(Liveness, { list }),
        ),
        detail === '' ? null : h('p', null, shown(detail)),
        h(ServiceActions, { api, service }),
        section('rollout', 'Rollout', h(RolloutView, { service })),
        section('instances', 'Instances', h(InstancesView, { api, namespace, service: name })),
        section('revisions', 'Revisions', h(RevisionsView, { api, service })),
        section(
          'conditions',
          'Conditions',
          h(ConditionsView, { conditions: service.status?.conditions ?? [] }),
        ),
        section(
          'events',
          'Events',
          h(EventsView, { api, namespace, about: { kind: 'Service', name } }),
        ),
      );
    },
  });
}
