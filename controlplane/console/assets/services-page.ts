// All services, a page at a time, with how each of them is.
import { h } from 'preact';
import type { ComponentChild } from 'preact';

import { keyOf } from './api-object.ts';
import type { Api } from './api.ts';
import { SERVICES } from './kinds.ts';
import { NamespaceChoice, namespaceHint } from './namespace-choice.ts';
import { Liveness, ListTable, Mark, shown } from './parts.ts';
import type { Column } from './parts.ts';
import { hashOf } from './route.ts';
import { healthOf, imagesOf, instancesOf, progressOf } from './service.ts';
import type { Service } from './service.ts';
import { useList } from './use-list.ts';

const COLUMNS: readonly Column<Service>[] = [
  { title: 'Namespace', cell: ({ metadata }) => shown(metadata.namespace) },
  {
    title: 'Name',
    cell: ({ metadata }) =>
      h(
        'a',
        { href: hashOf(['services', metadata.namespace ?? '', metadata.name]) },
        shown(metadata.name),
      ),
  },
  {
    title: 'State',
    cell: (service) => {
      const { tone, word, detail } = healthOf(service);
      return [h(Mark, { tone, word }), h('span', { class: 'detail' }, shown(detail))];
    },
  },
  { title: 'Instances', cell: instancesOf, isNumber: true },
  {
    title: 'Rollout',
    cell: (service) => {
      const { done, all } = progressOf(service);
      if (all === 0) return '';
      const label = `${done} of ${all} operations done`;
      return h('progress', { value: done, max: all, 'aria-label': label, title: label });
    },
  },
  { title: 'Image', cell: (service) => h('code', null, shown(imagesOf(service))) },
];

export function ServicesPage({
  api,
  namespace,
}: {
  readonly api: Api;
  readonly namespace: string | undefined;
}): ComponentChild {
  const list = useList<Service>(api, SERVICES, { namespace });
  return h(
    'div',
    null,
    h(
      'div',
      { class: 'bar' },
      h(NamespaceChoice, { place: ['services'], namespace }),
      h(Liveness, { list }),
    ),
    h(ListTable<Service>, {
      list,
      what: 'services',
      columns: COLUMNS,
      keyed: keyOf,
      hint: namespaceHint(namespace),
    }),
  );
}
