// Machines and clusters: each with what it is at; its steps are on its own page.
import { h } from 'preact';
import type { ComponentChild } from 'preact';

import { keyOf } from './api-object.ts';
import type { Api } from './api.ts';
import { CLUSTERS, MACHINES } from './kinds.ts';
import { phaseState, stepDetails, stepState } from './machine.ts';
import type { Cluster, Machine } from './machine.ts';
import { Liveness, ListTable, Mark, Section, shown } from './parts.ts';
import type { Column } from './parts.ts';
import { NamespaceChoice, namespaceHint } from './namespace-choice.ts';
import { hashOf } from './route.ts';
import { currentStep } from './step-tree.ts';
import { useList } from './use-list.ts';

function nameColumn(place: string): Column<Machine | Cluster> {
  return {
    title: 'Name',
    cell: ({ metadata: { namespace = '', name } }) =>
      h('a', { href: hashOf([place, namespace, name]) }, shown(`${namespace}/${name}`)),
  };
}

const MACHINE_COLUMNS: readonly Column<Machine>[] = [
  nameColumn('machines'),
  {
    title: 'State',
    cell: ({ status }) => h(Mark, phaseState(status?.phase, status?.conditions)),
  },
  { title: 'Runs', cell: ({ status }) => shown(status?.runningVersion) },
  { title: 'Slot', cell: ({ status }) => shown(status?.activeSlot) },
  {
    title: 'Is at',
    cell: ({ status }) => {
      const step = currentStep(status?.steps ?? []);
      if (step === undefined) return '';
      const { tone, word } = stepState(step.state);
      return [
        h(Mark, { tone, word }),
        ` ${shown(step.name)} `,
        h('span', { class: 'detail' }, shown(stepDetails(step))),
      ];
    },
  },
];

const CLUSTER_COLUMNS: readonly Column<Cluster>[] = [
  nameColumn('clusters'),
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
    title: 'To change',
    cell: ({ status }) => status?.plan?.length ?? 0,
    isNumber: true,
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
        hint: namespaceHint(namespace),
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
        hint: namespaceHint(namespace),
      }),
    }),
  );
}
