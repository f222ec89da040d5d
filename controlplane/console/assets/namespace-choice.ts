// Which namespace is looked at: typed, since whoever may see one may not always see what others there are.
import { h } from 'preact';
import type { ComponentChild } from 'preact';

import { submittedText } from './form-text.ts';
import { hashOf } from './route.ts';

/** For those who may not see all of them. */
export function namespaceHint(namespace: string | undefined): string | undefined {
  return namespace === undefined
    ? 'Those of one namespace you may be allowed to see: type its name above.'
    : undefined;
}

export function NamespaceChoice({
  place,
  namespace = '',
  query = {},
}: {
  readonly place: readonly string[];
  readonly namespace: string | undefined;
  /** What else the address says, and goes on saying. */
  readonly query?: Readonly<Record<string, string>>;
}): ComponentChild {
  const onSubmit = (event: Event): void => {
    location.hash = hashOf(place, { ...query, namespace: submittedText(event, 'namespace') });
  };
  return h(
    'form',
    { class: 'namespace', onSubmit },
    h('label', { for: 'namespace' }, 'Namespace'),
    h('input', {
      id: 'namespace',
      name: 'namespace',
      key: namespace,
      defaultValue: namespace,
      placeholder: 'all',
      autocomplete: 'off',
      spellcheck: false,
    }),
    h('button', { type: 'submit' }, 'Show'),
  );
}
