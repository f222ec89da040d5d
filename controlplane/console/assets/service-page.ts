// One service: how it is, its rollout, its instances.
import { h } from 'preact';
import type { ComponentChild } from 'preact';

import type { Api } from './api.ts';
import { ConditionsView } from './conditions-view.ts';
import { SERVICES } from './kinds.ts';
import { Failure, Liveness, Mark, Section, shown } from './parts.ts';
import { RolloutView } from './rollout-view.ts';
import { healthOf, imagesOf, instancesOf } from './service.ts';
import type { Service } from './service.ts';
import { useList } from './use-list.ts';

export function ServicePage({
  api,
  namespace,
  name,
}: {
  readonly api: Api;
  readonly namespace: string;
  readonly name: string;
}): ComponentChild {
  const list = useList<Service>(api, SERVICES, {
    namespace,
    fieldSelector: `metadata.name=${name}`,
  });
  const [service] = list.items;
  if (list.failure !== undefined && service === undefined)
    return h(Failure, { what: `the service ${shown(name)}`, failure: list.failure });
  if (service === undefined)
    return h(
      'p',
      { class: 'none', role: 'status' },
      list.state === 'Live'
        ? `There is no service ${shown(name)} in ${shown(namespace)}`
        : 'Loading',
    );
  const { tone, word, detail } = healthOf(service);
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
    h(Section, { title: 'Rollout', id: 'rollout', children: h(RolloutView, { service }) }),
    h(Section, {
      title: 'Conditions',
      id: 'conditions',
      children: h(ConditionsView, { conditions: service.status?.conditions ?? [] }),
    }),
  );
}
