// Instances: where they run, of which revision, how they are, and their logs.
import { h } from 'preact';
import type { ComponentChild } from 'preact';

import { ageOf } from './age.ts';
import { keyOf } from './api-object.ts';
import type { Api } from './api.ts';
import { hookOf, podState, restartsOf, REVISION_LABEL, SERVICE_LABEL } from './instance.ts';
import type { Pod } from './instance.ts';
import { PODS } from './kinds.ts';
import { ListTable, Mark, shown } from './parts.ts';
import type { Column } from './parts.ts';
import { hashOf } from './route.ts';
import { useList } from './use-list.ts';
import { useNow } from './use-now.ts';

function columnsAt(now: number, isOfNode: boolean): readonly Column<Pod>[] {
  return [
    {
      title: 'Instance',
      cell: ({ metadata }) =>
        h(
          'a',
          { href: hashOf(['instances', metadata.namespace ?? '', metadata.name]) },
          shown(metadata.name),
        ),
    },
    {
      title: 'State',
      cell: (pod) => {
        const { tone, word, detail } = podState(pod);
        return [h(Mark, { tone, word }), h('span', { class: 'detail' }, shown(detail))];
      },
    },
    isOfNode
      ? {
          title: 'Service',
          cell: ({ metadata }) =>
            shown(`${metadata.namespace ?? ''}/${metadata.labels?.[SERVICE_LABEL] ?? ''}`),
        }
      : { title: 'Machine', cell: ({ spec }) => shown(spec?.nodeName ?? 'none yet') },
    {
      title: 'Revision',
      cell: (pod) => h('code', null, shown(hookOf(pod) || pod.metadata.labels?.[REVISION_LABEL])),
    },
    { title: 'Restarts', cell: restartsOf, isNumber: true },
    {
      title: 'Age',
      cell: ({ metadata }) => ageOf(metadata.creationTimestamp, now),
      isNumber: true,
    },
  ];
}

export function InstancesView({
  api,
  namespace,
  service,
  node,
}: {
  readonly api: Api;
  readonly namespace?: string;
  /** Those of this service, */
  readonly service?: string;
  /** or those on this node. */
  readonly node?: string;
}): ComponentChild {
  const list = useList<Pod>(api, PODS, {
    namespace,
    labelSelector: service === undefined ? undefined : `${SERVICE_LABEL}=${service}`,
    fieldSelector: node === undefined ? undefined : `spec.nodeName=${node}`,
  });
  const now = useNow();
  const columns = columnsAt(now, node !== undefined);
  return h(ListTable<Pod>, { list, what: 'instances', columns, keyed: keyOf });
}
