// Small parts that all pages are made of. Whatever the server says goes through shown(): names, messages and logs are other people's, and
// controls in them are shown as what they are.
import { h } from 'preact';
import type { ComponentChild, ComponentChildren } from 'preact';

import { terminalLine } from '#platform/terminal-text.ts';

import type { ApiFailure } from './api-failure.ts';
import type { Tone } from './service.ts';
import type { ShownList } from './use-list.ts';

/** On one line, with nothing in it that could draw or turn the text around it. */
export function shown(value: unknown): string {
  if (value === undefined || value === null) return '';
  return terminalLine(typeof value === 'string' ? value : JSON.stringify(value));
}

export function Mark({
  tone,
  word,
}: {
  readonly tone: Tone;
  readonly word: string;
}): ComponentChild {
  return h('span', { class: `mark ${tone}` }, shown(word));
}

export function Failure({
  what,
  failure,
  hint,
}: {
  readonly what: string;
  readonly failure: ApiFailure;
  /** What to do where it is not theirs to see. */
  readonly hint?: string | undefined;
}): ComponentChild {
  const word = failure.code === 403 ? `You may not see ${what}` : `${what} cannot be shown`;
  return h(
    'div',
    { class: 'failure', role: 'alert' },
    h('strong', null, word[0]?.toUpperCase() + word.slice(1)),
    h('p', null, shown(failure.message)),
    failure.code === 403 && hint !== undefined ? h('p', null, hint) : null,
  );
}

/** Whether what is shown is what is. */
export function Liveness({
  list,
}: {
  readonly list: Pick<ShownList<unknown>, 'state' | 'failure'>;
}): ComponentChild {
  const words = {
    Listing: 'Loading',
    Live: 'Live',
    Behind: `Not live: ${shown(list.failure?.message)}`,
    Refused: 'Not shown',
  };
  return h(
    'p',
    { class: `liveness ${list.state.toLowerCase()}`, role: 'status' },
    words[list.state],
  );
}

export function Section({
  title,
  id,
  children,
}: {
  readonly title: string;
  readonly id: string;
  readonly children: ComponentChildren;
}): ComponentChild {
  return h('section', { 'aria-labelledby': id }, h('h2', { id }, title), children);
}

export interface Column<T> {
  readonly title: string;
  readonly cell: (item: T) => ComponentChildren;
  /** A number, so at the right. */
  readonly isNumber?: boolean;
}

/** A table of a page of a list, with what is to be said where there is none. */
export function ListTable<T>({
  list,
  what,
  columns,
  keyed,
  hint,
}: {
  readonly list: ShownList<T>;
  /** In the plural: `services`. */
  readonly what: string;
  readonly columns: readonly Column<T>[];
  readonly keyed: (item: T) => string;
  /** What to do where one may not see them. */
  readonly hint?: string | undefined;
}): ComponentChild {
  // What was seen before stays, for as long as it is tried again.
  const isUnseen = list.state === 'Behind' && list.items.length === 0;
  if ((list.state === 'Refused' || isUnseen) && list.failure !== undefined)
    return h(Failure, { what, failure: list.failure, hint });
  if (list.items.length === 0 && list.state === 'Live')
    return h('p', { class: 'none' }, `No ${what}`);
  return h(
    'div',
    null,
    h(
      'div',
      { class: 'scroll' },
      h(
        'table',
        null,
        h('caption', { class: 'hidden' }, what),
        h(
          'thead',
          null,
          h(
            'tr',
            null,
            columns.map(({ title, isNumber }) =>
              h(
                'th',
                { key: title, scope: 'col', class: isNumber === true ? 'number' : '' },
                title,
              ),
            ),
          ),
        ),
        h(
          'tbody',
          null,
          list.items.map((item) =>
            h(
              'tr',
              { key: keyed(item) },
              columns.map(({ title, cell, isNumber }) =>
                h('td', { key: title, class: isNumber === true ? 'number' : '' }, cell(item)),
              ),
            ),
          ),
        ),
      ),
    ),
    h(Pages, { list, what }),
  );
}

function Pages({
  list,
  what,
}: {
  readonly list: ShownList<unknown>;
  readonly what: string;
}): ComponentChild {
  if (!list.hasNext && !list.hasPrevious) return null;
  return h(
    'nav',
    { class: 'pages', 'aria-label': `Pages of ${what}` },
    h(
      'button',
      { type: 'button', disabled: !list.hasPrevious, onClick: list.previous },
      'Previous',
    ),
    h('span', null, list.remaining > 0 ? `${list.remaining} more` : ''),
    h('button', { type: 'button', disabled: !list.hasNext, onClick: list.next }, 'Next'),
  );
}
