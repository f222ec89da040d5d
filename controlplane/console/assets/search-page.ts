// What was found by name, of all kinds that have pages here. As of now: it is not watched, ask again.
import { h } from 'preact';
import type { ComponentChild } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import type { Api } from './api.ts';
import { keyOf } from './api-object.ts';
import { CLUSTERS, MACHINES, NODES, PODS, SERVICES } from './kinds.ts';
import type { Kind } from './kinds.ts';
import { NamespaceChoice, namespaceHint } from './namespace-choice.ts';
import { Failure, Section, shown } from './parts.ts';
import { hashOf } from './route.ts';
import { findByName, NOTHING_YET } from './search.ts';
import type { Found } from './search.ts';

interface Searched {
  /** Where its pages are, and its name in addresses. */
  readonly place: string;
  readonly title: string;
  readonly kind: Kind;
}

const SEARCHED: readonly Searched[] = [
  { place: 'services', title: 'Services', kind: SERVICES },
  { place: 'instances', title: 'Instances', kind: PODS },
  { place: 'nodes', title: 'Nodes', kind: NODES },
  { place: 'machines', title: 'Machines', kind: MACHINES },
  { place: 'clusters', title: 'Clusters', kind: CLUSTERS },
];
const PAGE = 500;

export function SearchPage({
  api,
  text,
  namespace,
}: {
  readonly api: Api;
  readonly text: string;
  readonly namespace: string | undefined;
}): ComponentChild {
  const [found, setFound] = useState<Readonly<Record<string, Found>>>({});
  useEffect(() => {
    setFound({});
    if (text.trim() === '') return undefined;
    const end = new AbortController();
    for (const { place, kind } of SEARCHED)
      void findByName(
        text,
        (token, signal) =>
          api.listMetadata(kind, { namespace, limit: PAGE, continue: token }, signal),
        (now) => setFound((before) => ({ ...before, [place]: now })),
        end.signal,
      );
    return () => end.abort();
  }, [api, text, namespace]);
  const parts = SEARCHED.map((searched) => ({
    ...searched,
    found: found[searched.place] ?? NOTHING_YET,
  }));
  const count = parts.reduce((sum, part) => sum + part.found.items.length, 0);
  const looked = parts.reduce((sum, part) => sum + part.found.looked, 0);
  const isOver = parts.every((part) => part.found.state !== 'Looking');
  return h(
    'div',
    null,
    h(
      'div',
      { class: 'bar' },
      h(NamespaceChoice, { place: ['search'], namespace, query: { text } }),
      text.trim() === ''
        ? h('p', { role: 'status' }, 'Type a part of a name above')
        : h(
            'p',
            { role: 'status' },
            isOver
              ? `${count} found among ${looked} names`
              : `Looking: ${count} found so far among ${looked} names`,
          ),
    ),
    text.trim() === '' ? null : parts.map((part) => h(Results, { key: part.place, ...part })),
    h(NotSearched, { titles: parts.filter(isRefused).map(({ title }) => title), namespace }),
  );
}

function isRefused({ found }: { readonly found: Found }): boolean {
  return found.failure?.code === 403;
}

/** In one sentence: that somebody may not see all is nothing that went wrong. */
function NotSearched({
  titles,
  namespace,
}: {
  readonly titles: readonly string[];
  readonly namespace: string | undefined;
}): ComponentChild {
  if (titles.length === 0) return null;
  return h(
    'p',
    { class: 'hint' },
    `Not looked at, since you may not see them: ${titles.join(', ')}. ${namespaceHint(namespace) ?? ''}`,
  );
}

function Results({ place, title, found }: Searched & { readonly found: Found }): ComponentChild {
  const { items, state, failure } = found;
  if (items.length === 0 && (failure === undefined || failure.code === 403)) return null;
  return h(Section, {
    id: place,
    title,
    children: [
      failure === undefined ? null : h(Failure, { what: title.toLowerCase(), failure }),
      h(
        'ul',
        { class: 'found' },
        items.map((item) => {
          const { namespace, name } = item.metadata;
          const path = namespace === undefined ? [place, name] : [place, namespace, name];
          return h(
            'li',
            { key: keyOf(item) },
            h('a', { href: hashOf(path) }, shown(path.slice(1).join('/'))),
          );
        }),
      ),
      state === 'Enough'
        ? h('p', { class: 'hint' }, `These are the first ${items.length}: say more of the name.`)
        : null,
    ],
  });
}
