// One cluster: its machines with what each is at, what is to change on which and why, and how far its rollout is.
import { h } from 'preact';
import type { ComponentChild } from 'preact';

import type { Api } from './api.ts';
import { keyOf } from './api-object.ts';
import { clusterNotes } from './cluster-notes.ts';
import { ConditionsView } from './conditions-view.ts';
import { EventsView } from './events-view.ts';
import { CLUSTERS, MACHINES } from './kinds.ts';
import { phaseState } from './machine.ts';
import type { Cluster, Machine } from './machine.ts';
import { ObjectPage } from './object-page.ts';
import { Liveness, ListTable, Mark, Section, shown } from './parts.ts';
import type { Column } from './parts.ts';
import { hashOf } from './route.ts';
import { useList } from './use-list.ts';

/** What the controller of clusters puts on the machines that it makes. */
const CLUSTER_LABEL = 'windlass.dev/cluster';

export function ClusterPage({
  api,
  namespace,
  name,
}: {
  readonly api: Api;
  readonly namespace: string;
  readonly name: string;
}): ComponentChild {
  return h(ObjectPage<Cluster>, {
    api,
    kind: CLUSTERS,
    namespace,
    name,
    what: 'cluster',
    content: (cluster, list) => {
      const {
        phase,
        version,
        endpoint,
        nodesReady = 0,
        nodesTotal = 0,
        plan = [],
        rollout,
      } = cluster.status ?? {};
      const conditions = cluster.status?.conditions ?? [];
      const { total = 0, updated = 0 } = rollout ?? {};
      const progress = `${updated} of ${total} machines are as described`;
      return h(
        'div',
        null,
        h(
          'div',
          { class: 'bar' },
          h(Mark, phaseState(phase, conditions)),
          h('span', null, `${nodesReady}/${nodesTotal} nodes ready`),
          version === undefined ? null : h('span', null, `version ${shown(version)}`),
          endpoint === undefined ? null : h('code', null, shown(endpoint)),
          h(Liveness, { list }),
        ),
        h(Section, {
          id: 'plan',
          title: 'Rollout',
          children: [
            total === 0
              ? null
              : h(
                  'p',
                  { role: 'status' },
                  h('progress', { value: updated, max: total, 'aria-label': progress }),
                  ` ${progress}`,
                ),
            plan.length === 0
              ? h('p', { class: 'none' }, 'Nothing to do: all is as it is described')
              : h(
                  'ol',
                  { class: 'operations' },
                  plan.map(({ machine, action, reason = '' }) =>
                    h(
                      'li',
                      { key: `${action} ${machine}` },
                      h('span', { class: 'operation' }, shown(`${action} ${machine}`)),
                      reason === ''
                        ? null
                        : h('ul', { class: 'reasons' }, h('li', null, shown(reason))),
                    ),
                  ),
                ),
          ],
        }),
        h(Section, {
          id: 'machines',
          title: 'Machines',
          children: h(MachinesOf, { api, namespace, cluster }),
        }),
        h(Section, {
          id: 'conditions',
          title: 'Conditions',
          children: h(ConditionsView, { conditions }),
        }),
        h(Section, {
          id: 'events',
          title: 'Events',
          children: h(EventsView, { api, namespace, about: { kind: 'Cluster', name } }),
        }),
      );
    },
  });
}

function MachinesOf({
  api,
  namespace,
  cluster,
}: {
  readonly api: Api;
  readonly namespace: string;
  readonly cluster: Cluster;
}): ComponentChild {
  const labelSelector = `${CLUSTER_LABEL}=${cluster.metadata.name}`;
  const list = useList<Machine>(api, MACHINES, { namespace, labelSelector });
  const notes = clusterNotes(cluster);
  const columns: readonly Column<Machine>[] = [
    {
      title: 'Machine',
      cell: ({ metadata }) =>
        h('a', { href: hashOf(['machines', namespace, metadata.name]) }, shown(metadata.name)),
    },
    { title: 'Role', cell: ({ spec }) => shown(spec?.role) },
    {
      title: 'State',
      cell: ({ status }) => h(Mark, phaseState(status?.phase, status?.conditions)),
    },
    { title: 'Runs', cell: ({ status }) => shown(status?.runningVersion) },
    { title: 'Is at', cell: (machine) => shown(notes(machine)) },
  ];
  return h(ListTable<Machine>, { list, what: 'machines', columns, keyed: keyOf });
}
