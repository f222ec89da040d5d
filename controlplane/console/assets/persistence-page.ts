// Where the state is kept: each instance with its latency and how far it is behind.
import { h } from 'preact';
import type { ComponentChild } from 'preact';

import { keyOf } from './api-object.ts';
import type { Api } from './api.ts';
import { HistoryView } from './history-view.ts';
import { PERSISTENCE_INSTANCES } from './kinds.ts';
import { persistenceState, secondsText } from './machine.ts';
import type { PersistenceInstance } from './machine.ts';
import { Liveness, ListTable, Mark, shown } from './parts.ts';
import type { Column } from './parts.ts';
import { useList } from './use-list.ts';

const columnsOf = (api: Api): readonly Column<PersistenceInstance>[] => [
  { title: 'Instance', cell: ({ metadata }) => shown(metadata.name) },
  { title: 'Role', cell: ({ spec }) => shown(spec?.role) },
  {
    title: 'State',
    cell: (instance) => {
      const ready = instance.status?.conditions?.find(({ type }) => type === 'Ready');
      return [
        h(Mark, persistenceState(instance)),
        h('span', { class: 'detail' }, shown(ready?.message)),
      ];
    },
  },
  {
    title: 'Mean latency',
    cell: ({ status }) => secondsText(status?.meanPersistLatency),
    isNumber: true,
  },
  {
    title: 'Behind',
    cell: ({ status }) =>
      `${secondsText(status?.lagSeconds)}, ${status?.lagRevisions ?? 0} revisions`,
    isNumber: true,
  },
  {
    title: 'Last hour',
    cell: ({ metadata }) => h(HistoryView, { api, name: metadata.name }),
  },
  {
    title: 'Last error',
    cell: ({ status }) =>
      status?.lastError === undefined
        ? ''
        : shown(`${status.lastError.message} (${status.lastError.time})`),
  },
  { title: 'Where', cell: ({ spec }) => h('code', null, shown(spec?.location)) },
];

export function PersistencePage({ api }: { readonly api: Api }): ComponentChild {
  const list = useList<PersistenceInstance>(api, PERSISTENCE_INSTANCES, {});
  return h(
    'div',
    null,
    h('div', { class: 'bar' }, h(Liveness, { list })),
    h(ListTable<PersistenceInstance>, {
      list,
      what: 'persistence instances',
      columns: columnsOf(api),
      keyed: keyOf,
    }),
  );
}
