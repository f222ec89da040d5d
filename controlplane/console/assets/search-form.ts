// Where one types what is searched for: on every page.
import { h } from 'preact';
import type { ComponentChild } from 'preact';

import { submittedText } from './form-text.ts';
import { hashOf } from './route.ts';

export function SearchForm({
  text,
  namespace,
}: {
  readonly text: string;
  readonly namespace: string | undefined;
}): ComponentChild {
  const onSubmit = (event: Event): void => {
    location.hash = hashOf(['search'], { text: submittedText(event, 'text'), namespace });
  };
  return h(
    'form',
    { class: 'search', role: 'search', onSubmit },
    h('input', {
      type: 'search',
      name: 'text',
      key: text,
      defaultValue: text,
      'aria-label': 'Search by name',
      placeholder: 'Search by name',
      autocomplete: 'off',
      spellcheck: false,
    }),
  );
}
