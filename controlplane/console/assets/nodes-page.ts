// The machines that run instances, and what runs on each of them.
import { h } from 'preact';
import type { ComponentChild } from 'preact';
import { useState } from 'preact/hooks';

import { ActionDialog } from './action-dialog.ts';
import { cordonChange } from './action.ts';
import { ageOf } from './age.ts';
import { keyOf } from './api-object.ts';
import type { Api } from './api.ts';
import { ConditionsView } from './conditions-view.ts';
import { DrainDialog } from './drain-dialog.ts';
import { EventsView } from './events-view.ts';
import { InstancesView } from './instances-view.ts';
import { NODES } from './kinds.ts';
import { nodeState } from './machine.ts';
import type { Node } from './machine.ts';
import { ObjectPage } from './object-page.ts';
import { Liveness, ListTable, Mark, Section, shown } from './parts.ts';
import type { Column } from './parts.ts';
import { hashOf } from './route.ts';
import { useList } from './use-list.ts';
import { useNow } from './use-now.ts';

export function NodesPage({ api }: { readonly api: Api }): ComponentChild {
  const list = useList<Node>(api, NODES, {});
  const now = useNow();
  const columns: readonly Column<Node>[] = [
    {
      title: 'Node',
      cell: ({ metadata }) =>
        h('a', { href: hashOf(['nodes', metadata.name]) }, shown(metadata.name)),
    },
    { title: 'State', cell: (node) => h(Mark, nodeState(node)) },
    {
      title: 'Addresses',
      cell: ({ status }) =>
        shown((status?.addresses ?? []).map(({ address }) => address).join(', ')),
    },
    { title: 'Agent', cell: ({ status }) => shown(status?.nodeInfo?.kubeletVersion) },
    {
      title: 'Age',
      cell: ({ metadata }) => ageOf(metadata.creationTimestamp, now),
      isNumber: true,
    },
  ];
  return h(
    'div',
    null,
    h('div', { class: 'bar' }, h(Liveness, { list })),
    h(ListTable<Node>, { list, what: 'nodes', columns, keyed: keyOf }),
  );
}

export function NodePage({
  api,
  name,
}: {
  readonly api: Api;
  readonly name: string;
}): ComponentChild {
  return h(ObjectPage<Node>, {
    api,
    kind: NODES,
    name,
    what: 'node',
    content: (node, list) =>
      h(
        'div',
        null,
        h('div', { class: 'bar' }, h(Mark, nodeState(node)), h(Liveness, { list })),
        h(NodeActions, { api, node }),
        h(Section, {
          id: 'instances',
          title: 'Instances',
          children: h(InstancesView, { api, node: name }),
        }),
        h(Section, {
          id: 'conditions',
          title: 'Conditions',
          children: h(ConditionsView, { conditions: node.status?.conditions ?? [] }),
        }),
        h(Section, {
          id: 'events',
          title: 'Events',
          children: h(EventsView, { api, namespace: undefined, about: { kind: 'Node', name } }),
        }),
      ),
  });
}

function NodeActions({ api, node }: { readonly api: Api; readonly node: Node }): ComponentChild {
  const [begun, setBegun] = useState<
    { readonly action: 'cordon' | 'drain'; readonly node: Node } | undefined
  >(undefined);
  const [said, setSaid] = useState('');
  const button = (action: 'cordon' | 'drain', word: string): ComponentChild => {
    const onClick = (): void => {
      setSaid('');
      setBegun({ action, node });
    };
    return h('button', { type: 'button', onClick }, word);
  };
  const onClose = (done: string | undefined): void => {
    setBegun(undefined);
    setSaid(done ?? '');
  };
  return h(
    'div',
    { class: 'actions', role: 'group', 'aria-label': 'Actions' },
    button('cordon', node.spec?.unschedulable === true ? 'Uncordon' : 'Cordon'),
    button('drain', 'Drain'),
    h('span', { role: 'status', 'aria-live': 'polite' }, said),
    begun?.action === 'cordon'
      ? h(ActionDialog, {
          api,
          kind: NODES,
          object: begun.node,
          change: cordonChange(begun.node),
          onClose,
        })
      : null,
    begun?.action === 'drain' ? h(DrainDialog, { api, node: begun.node, onClose }) : null,
  );
}
