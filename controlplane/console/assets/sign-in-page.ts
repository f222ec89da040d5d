// Signing in by pasting a token. Whoever comes from `windlass console` does not see this.
import { h } from 'preact';
import { useState } from 'preact/hooks';
import type { ComponentChild } from 'preact';

import { submittedText } from './form-text.ts';
import { shown } from './parts.ts';

export function SignInPage({
  message,
  onToken,
}: {
  /** Why nobody is signed in, where there is more to say than that. */
  readonly message: string | undefined;
  readonly onToken: (token: string) => Promise<void>;
}): ComponentChild {
  const [isBusy, setBusy] = useState(false);
  const onSubmit = (event: Event): void => {
    const token = submittedText(event, 'token');
    if (token === '' || isBusy) return;
    setBusy(true);
    void onToken(token).finally(() => setBusy(false));
  };
  return h(
    'main',
    { class: 'sign-in' },
    h('h1', { tabIndex: -1 }, 'Sign in'),
    message === undefined
      ? null
      : h('div', { class: 'failure', role: 'alert' }, h('p', null, shown(message))),
    h('p', null, 'Run ', h('code', null, 'windlass console'), ' where your kubeconfig is.'),
    h(
      'form',
      { onSubmit },
      h('label', { for: 'token' }, 'Or paste a bearer token'),
      h('input', {
        id: 'token',
        name: 'token',
        type: 'password',
        required: true,
        autocomplete: 'off',
        spellcheck: false,
      }),
      h('button', { type: 'submit', disabled: isBusy }, isBusy ? 'Signing in' : 'Sign in'),
    ),
    h(
      'p',
      { class: 'hint' },
      'You see and do here what you may with kubectl, and nothing else. The token stays in this tab until you close it or sign out.',
    ),
  );
}
