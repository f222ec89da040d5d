// Machines and clusters: each with what it is at, its steps a click away.
import { h } from 'preact';
import type { ComponentChild } from 'preact';

import { keyOf } from './api-object.ts';
import type { Api } from './api.ts';
import { CLUSTERS, MACHINES } from './kinds.ts';
import { phaseState } from './machine.ts';
import type { Cluster, Machine } from './machine.ts';
import { Liveness, ListTable, Mark, Section, shown } from './parts.ts';
import type { Column } from './parts.ts';
import { NamespaceChoice } from './namespace-choice.ts';
import { StepsView } from './steps-view.ts';
import { useList } from './use-list.ts';

const NAME = {
  title: 'Name',
  cell: ({ metadata }: Machine | Cluster) => shown(`${metadata.namespace ?? ''}/${metadata.name}`),
};

const MACHINE_COLUMNS: readonly Column<Machine>[] = [
  NAME,
  {
    title: 'State',
    cell: ({ status }) => h(Mark, phaseState(status?.phase, status?.conditions)),
  },
  { title: 'Runs', cell: ({ status }) => shown(status?.runningVersion) },
  { title: 'Slot', cell: ({ status }) => shown(status?.activeSlot) },
  {
    title: 'Steps',
    cell: ({ status }) => {
      const steps = status?.steps ?? [];
      const last = steps.findLast(({ state }) => state !== 'Pending');
      return h(
        'details',
        null,
        h('summary', null, last === undefined ? 'none' : shown(`${last.name}: ${last.state}`)),
        h(StepsView, { steps }),
      );
    },
  },
];

const CLUSTER_COLUMNS: readonly Column<Cluster>[] = [
  NAME,
  {
    title: 'State',
    cell: ({ status }) => h(Mark, phaseState(status?.phase, status?.conditions)),
  },
  { title: 'Version', cell: ({ status }) => shown(status?.version) },
  {
    title: 'Nodes ready',
    cell: ({ status }) => `${status?.nodesReady ?? 0}/${status?.nodesTotal ?? 0}`,
    isNumber: true,
  },
  {
    title: 'Rollout',
    cell: ({ status }) => {
      const { total = 0, updated = 0 } = status?.rollout ?? {};
      const label = `${updated} of ${total} machines updated`;
      return total === 0
        ? ''
        : h('progress', { value: updated, max: total, 'aria-label': label, title: label });
    },
  },
  {
    title: 'Machines',
    cell: ({ status }) => {
      const nodes = status?.nodes ?? [];
      return h(
        'details',
        null,
        h('summary', null, `${nodes.length} machines, ${status?.plan?.length ?? 0} to change`),
        h(
          'ul',
          { class: 'steps' },
          nodes.map(({ name, role, state, version }) =>
            h('li', { key: name }, shown([name, role, state, version].filter(Boolean).join(', '))),
          ),
          (status?.plan ?? []).map(({ machine, action, reason = '' }) =>
            h(
              'li',
              { key: `plan ${machine}`, class: 'task' },
              shown(`${action} ${machine}: ${reason}`),
            ),
          ),
        ),
      );
    },
  },
];

export function MachinesPage({
  api,
  namespace,
}: {
  readonly api: Api;
  readonly namespace: string | undefined;
}): ComponentChild {
  const machines = useList<Machine>(api, MACHINES, { namespace });
  const clusters = useList<Cluster>(api, CLUSTERS, { namespace });
  return h(
    'div',
    null,
    h(
      'div',
      { class: 'bar' },
      h(NamespaceChoice, { place: ['machines'], namespace }),
      h(Liveness, { list: machines }),
    ),
    h(Section, {
      id: 'machines',
      title: 'Machines',
      children: h(ListTable<Machine>, {
        list: machines,
        what: 'machines',
        columns: MACHINE_COLUMNS,
        keyed: keyOf,
      }),
    }),
    h(Section, {
      id: 'clusters',
      title: 'Clusters',
      children: h(ListTable<Cluster>, {
        list: clusters,
        what: 'clusters',
        columns: CLUSTER_COLUMNS,
        keyed: keyOf,
      }),
    }),
  );
}
