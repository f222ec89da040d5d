// Events: what happened to an object, or to all of a namespace, the newest first.
import { h } from 'preact';
import type { ComponentChild } from 'preact';

import { ageOf } from './age.ts';
import type { Api } from './api.ts';
import { keyOf } from './api-object.ts';
import type { ApiObject } from './api-object.ts';
import { EVENTS } from './kinds.ts';
import { namespaceHint } from './namespace-choice.ts';
import { ListTable, Mark, shown } from './parts.ts';
import type { Column } from './parts.ts';
import { useList } from './use-list.ts';
import { useNow } from './use-now.ts';

interface Event extends ApiObject {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly lastTimestamp?: string;
  readonly eventTime?: string;
  readonly involvedObject?: { readonly kind?: string; readonly name?: string };
}

/** More than a page of others: they come in the order of their names, and are sorted here. */
const MOST = 200;

function timeOf({ lastTimestamp, eventTime, metadata }: Event): string {
  return lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '';
}

export function EventsView({
  api,
  namespace,
  about,
}: {
  readonly api: Api;
  readonly namespace: string | undefined;
  readonly about?: { readonly kind: string; readonly name: string };
}): ComponentChild {
  const fieldSelector =
    about === undefined
      ? undefined
      : `involvedObject.kind=${about.kind},involvedObject.name=${about.name}`;
  const list = useList<Event>(api, EVENTS, { namespace, fieldSelector, limit: MOST });
  const now = useNow();
  const columns: readonly Column<Event>[] = [
    { title: 'Last', cell: (event) => ageOf(timeOf(event), now), isNumber: true },
    {
      title: 'Type',
      cell: ({ type = '' }) => h(Mark, { tone: type === 'Warning' ? 'bad' : 'idle', word: type }),
    },
    { title: 'Reason', cell: ({ reason }) => shown(reason) },
    ...(about === undefined
      ? [
          {
            title: 'About',
            cell: ({ involvedObject }: Event) =>
              shown(`${involvedObject?.kind ?? ''} ${involvedObject?.name ?? ''}`),
          },
        ]
      : []),
    { title: 'Message', cell: ({ message }) => shown(message) },
    { title: 'Times', cell: ({ count = 1 }) => count, isNumber: true },
  ];
  const items = list.items.toSorted((left, right) => timeOf(right).localeCompare(timeOf(left)));
  return h(ListTable<Event>, {
    list: { ...list, items },
    what: 'events',
    columns,
    keyed: keyOf,
    hint: about === undefined ? namespaceHint(namespace) : undefined,
  });
}
