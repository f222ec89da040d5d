// The buttons of a service. Each opens a dialog; nothing is done by a button alone.
import { h } from 'preact';
import type { ComponentChild } from 'preact';
import { useState } from 'preact/hooks';

import { ActionDialog } from './action-dialog.ts';
import { abortChange, pauseChange, promoteChange, scaleChange } from './action.ts';
import type { Change } from './action.ts';
import type { Api } from './api.ts';
import { SERVICES } from './kinds.ts';
import type { Service } from './service.ts';

type Action = 'scale' | 'pause' | 'promote' | 'abort';

export function ServiceActions({
  api,
  service,
}: {
  readonly api: Api;
  readonly service: Service;
}): ComponentChild {
  const [begun, setBegun] = useState<
    { readonly action: Action; readonly service: Service } | undefined
  >(undefined);
  const [replicas, setReplicas] = useState('');
  const [said, setSaid] = useState('');
  const begin = (action: Action): void => {
    setSaid('');
    setReplicas(String(service.spec.replicas ?? 1));
    setBegun({ action, service });
  };
  const button = (action: Action, word: string, isPossible = true): ComponentChild =>
    h('button', { type: 'button', disabled: !isPossible, onClick: () => begin(action) }, word);
  const change = begun === undefined ? undefined : changeOf(begun.action, begun.service, replicas);
  return h(
    'div',
    { class: 'actions', role: 'group', 'aria-label': 'Actions' },
    button('scale', 'Scale', service.spec.mode !== 'Global'),
    button('pause', service.spec.paused === true ? 'Resume' : 'Pause'),
    button('promote', 'Promote', promoteChange(service) !== undefined),
    button('abort', 'Abort', abortChange(service) !== undefined),
    h('span', { role: 'status', 'aria-live': 'polite' }, said),
    begun === undefined || change === undefined
      ? null
      : h(ActionDialog, {
          key: begun.action,
          api,
          kind: SERVICES,
          object: begun.service,
          change,
          children:
            begun.action === 'scale'
              ? h(
                  'label',
                  null,
                  'Instances ',
                  h('input', {
                    type: 'number',
                    min: 0,
                    step: 1,
                    required: true,
                    value: replicas,
                    onInput: (event: Event) =>
                      setReplicas((event.currentTarget as HTMLInputElement).value),
                  }),
                )
              : null,
          onClose: (done) => {
            setBegun(undefined);
            setSaid(done ?? '');
          },
        }),
  );
}

function changeOf(action: Action, service: Service, replicas: string): Change | undefined {
  switch (action) {
    case 'scale':
      return scaleChange(service, replicas);
    case 'pause':
      return pauseChange(service);
    case 'promote':
      return promoteChange(service);
    case 'abort':
      return abortChange(service);
    default:
      return undefined;
  }
}
