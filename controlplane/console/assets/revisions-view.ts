// The history of a service: what each revision changed, and the way back.
import { h } from 'preact';
import type { ComponentChild } from 'preact';
import { useState } from 'preact/hooks';

import { unifiedDiff } from '#platform/unified-diff.ts';

import { ActionDialog } from './action-dialog.ts';
import { rollbackChange } from './action.ts';
import { ageOf } from './age.ts';
import { keyOf } from './api-object.ts';
import type { Api } from './api.ts';
import { SERVICE_LABEL } from './instance.ts';
import { CONTROLLER_REVISIONS, SERVICES } from './kinds.ts';
import { ListTable, Mark, shown } from './parts.ts';
import type { Column } from './parts.ts';
import { hashOfRevision, revisionText, sortedRevisions } from './revision.ts';
import type { Revision } from './revision.ts';
import type { Service } from './service.ts';
import { useList } from './use-list.ts';
import { useNow } from './use-now.ts';

const MOST = 100;

export function RevisionsView({
  api,
  service,
}: {
  readonly api: Api;
  readonly service: Service;
}): ComponentChild {
  const { namespace, name } = service.metadata;
  const list = useList<Revision>(api, CONTROLLER_REVISIONS, {
    namespace,
    labelSelector: `${SERVICE_LABEL}=${name}`,
    limit: MOST,
  });
  const now = useNow();
  const [target, setTarget] = useState<
    { readonly revision: Revision; readonly service: Service } | undefined
  >(undefined);
  const [said, setSaid] = useState('');
  const revisions = sortedRevisions(list.items);
  const isCurrent = (revision: Revision): boolean =>
    hashOfRevision(revision) === service.status?.updateRevision;
  const columns: readonly Column<Revision>[] = [
    { title: 'Number', cell: ({ revision }) => revision ?? '', isNumber: true },
    { title: 'Revision', cell: (revision) => h('code', null, shown(hashOfRevision(revision))) },
    {
      title: 'Age',
      cell: ({ metadata }) => ageOf(metadata.creationTimestamp, now),
      isNumber: true,
    },
    {
      title: 'What it changed',
      cell: (revision) =>
        h(Changes, { revision, before: revisions[revisions.indexOf(revision) + 1] }),
    },
    {
      title: 'Now',
      cell: (revision) =>
        isCurrent(revision)
          ? h(Mark, { tone: 'good', word: 'described' })
          : h(
              'button',
              {
                type: 'button',
                'aria-label': `Roll back to revision ${revision.revision ?? ''}`,
                onClick: () => {
                  setSaid('');
                  setTarget({ revision, service });
                },
              },
              'Roll back',
            ),
    },
  ];
  return h(
    'div',
    null,
    h('p', { role: 'status', 'aria-live': 'polite' }, said),
    h(ListTable<Revision>, {
      list: { ...list, items: revisions },
      what: 'revisions',
      columns,
      keyed: keyOf,
    }),
    target === undefined
      ? null
      : h(ActionDialog, {
          api,
          kind: SERVICES,
          object: target.service,
          change: rollbackChange(target.service, revisions, target.revision),
          onClose: (done) => {
            setTarget(undefined);
            setSaid(done ?? '');
          },
        }),
  );
}

function Changes({
  revision,
  before,
}: {
  readonly revision: Revision;
  readonly before: Revision | undefined;
}): ComponentChild {
  if (before === undefined) return 'The first that is kept';
  const diff = unifiedDiff('', revisionText(before), revisionText(revision))
    .split('\n')
    .slice(2, -1);
  if (diff.length === 0) return 'Only what images or Secrets hold';
  const added = diff.filter((line) => line.startsWith('+')).length;
  const removed = diff.filter((line) => line.startsWith('-')).length;
  return h(
    'details',
    null,
    h(
      'summary',
      null,
      `${added} lines more, ${removed} less than revision ${before.revision ?? ''}`,
    ),
    h(
      'pre',
      { class: 'diff', tabIndex: 0 },
      diff.map((line, index) =>
        h('div', { key: index, class: CLASSES[line[0] ?? ''] ?? '' }, shown(line)),
      ),
    ),
  );
}

const CLASSES: Readonly<Record<string, string>> = { '+': 'added', '-': 'removed', '@': 'place' };
