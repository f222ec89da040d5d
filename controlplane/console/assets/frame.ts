// What is around each page: where one can go, and who one is. A page that is left lets go of its watches.
import { h } from 'preact';
import type { ComponentChild } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

import type { Api } from './api.ts';
import { PLACES, pageOf } from './pages.ts';
import { shown } from './parts.ts';
import { hashOf } from './route.ts';
import type { Route } from './route.ts';
import { SearchForm } from './search-form.ts';

export function Frame({
  api,
  user,
  route,
  onSignOut,
}: {
  readonly api: Api;
  readonly user: string;
  readonly route: Route;
  readonly onSignOut: () => void;
}): ComponentChild {
  const { title, content } = pageOf(api, route);
  const heading = useRef<HTMLHeadingElement>(null);
  const [place = 'services'] = route.path;
  const namespace = useRef<string | undefined>(undefined);
  // Whoever looks at one namespace goes on looking at it; a page without one does not say that it is over.
  if (route.path.length < 2 && !isAside(place)) namespace.current = route.query['namespace'];
  // Whoever does not see the page hears where they are.
  useEffect(() => {
    document.title = `${title} · Windlass`;
    heading.current?.focus();
  }, [title]);
  return h(
    'div',
    { class: 'frame' },
    h('a', { class: 'skip', href: '#content', onClick: skip }, 'To the content'),
    h(
      'header',
      null,
      h('span', { class: 'brand' }, 'Windlass'),
      h(
        'nav',
        { 'aria-label': 'Main' },
        h(
          'ul',
          null,
          PLACES.map(({ path, title: word, isNamespaced, below }) => {
            const href = hashOf([path], isNamespaced ? { namespace: namespace.current } : {});
            const isHere = path === place || below.includes(place);
            return h(
              'li',
              { key: path },
              h('a', { href, ...(isHere ? { 'aria-current': 'page' } : {}) }, word),
            );
          }),
        ),
      ),
      h(SearchForm, {
        text: place === 'search' ? (route.query['text'] ?? '') : '',
        namespace: namespace.current,
      }),
      h(
        'div',
        { class: 'who' },
        h('span', null, shown(user)),
        h('button', { type: 'button', onClick: onSignOut }, 'Sign out'),
      ),
    ),
    h('main', { id: 'content' }, h('h1', { ref: heading, tabIndex: -1 }, title), content),
  );
}

function isAside(place: string): boolean {
  return PLACES.some(({ path, isNamespaced }) => path === place && !isNamespaced);
}

/** The address holds what is looked at, so that a link into the page is followed by hand. */
function skip(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>('main h1')?.focus();
}
