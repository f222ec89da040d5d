// Asks before anything is done, and shows what the server says would come of it.
import { h } from 'preact';
import type { ComponentChild } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import type { Change } from './action.ts';
import { ApiFailure } from './api-failure.ts';
import type { ApiObject } from './api-object.ts';
import type { Api } from './api.ts';
import { applyChange, dryRun } from './apply-change.ts';
import { Dialog } from './dialog.ts';
import type { Kind } from './kinds.ts';
import type { Difference } from './merge-patch.ts';
import { shown } from './parts.ts';

export function ActionDialog({
  api,
  kind,
  object,
  change,
  children,
  onClose,
}: {
  readonly api: Api;
  readonly kind: Kind;
  /** As it was when somebody began. */
  readonly object: ApiObject;
  readonly change: Change;
  /** What is to be typed first. */
  readonly children?: ComponentChild;
  readonly onClose: (done: string | undefined) => void;
}): ComponentChild {
  const [preview, setPreview] = useState<readonly Difference[] | undefined>(undefined);
  const [failure, setFailure] = useState<string | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  const wanted = JSON.stringify(change.patch);
  useEffect(() => {
    let isStale = false;
    setPreview(undefined);
    setFailure(undefined);
    if (change.patch !== undefined)
      dryRun(api, kind, object, change.patch).then(
        (found) => isStale || setPreview(found),
        (error: unknown) => isStale || setFailure(messageOf(error)),
      );
    return () => {
      isStale = true;
    };
  }, [wanted]);
  const confirm = (): void => {
    if (change.patch === undefined || isBusy) return;
    setBusy(true);
    applyChange(api, kind, object, change.patch).then(
      () => onClose(`Done: ${change.title}`),
      (error: unknown) => {
        setBusy(false);
        setFailure(messageOf(error));
      },
    );
  };
  return h(
    Dialog,
    { title: change.title, onSubmit: confirm, onCancel: () => onClose(undefined) },
    children,
    h('p', { role: 'status' }, shown(change.meaning)),
    failure === undefined
      ? null
      : h('div', { class: 'failure', role: 'alert' }, h('p', null, shown(failure))),
    preview === undefined ? null : h(Differences, { preview }),
    h(
      'div',
      { class: 'buttons' },
      h('button', { type: 'button', onClick: () => onClose(undefined) }, 'Cancel'),
      h(
        'button',
        { type: 'submit', class: 'primary', disabled: preview === undefined || isBusy },
        isBusy ? 'Under way' : 'Do it',
      ),
    ),
  );
}

function Differences({ preview }: { readonly preview: readonly Difference[] }): ComponentChild {
  if (preview.length === 0) return h('p', null, 'The server would change nothing.');
  return h(
    'div',
    null,
    h('p', null, 'The server would change:'),
    h(
      'ul',
      { class: 'differences' },
      preview.map(({ path, before, after }) =>
        h(
          'li',
          { key: path },
          h('code', null, `${shown(path)}: ${valueText(before)} → ${valueText(after)}`),
        ),
      ),
    ),
  );
}

function valueText(value: unknown): string {
  return value === undefined ? 'none' : shown(value);
}

export function messageOf(error: unknown): string {
  if (error instanceof ApiFailure && error.code === 403)
    return `You may not do that: ${error.message}`;
  return (error as Error).message;
}
