// Which page an address means.
import { h } from 'preact';
import type { ComponentChild } from 'preact';

import type { Api } from './api.ts';
import { ClusterPage } from './cluster-page.ts';
import { EventsView } from './events-view.ts';
import { InstancePage } from './instance-page.ts';
import { MachinePage } from './machine-page.ts';
import { MachinesPage } from './machines-page.ts';
import { NamespaceChoice } from './namespace-choice.ts';
import { NodePage, NodesPage } from './nodes-page.ts';
import { shown } from './parts.ts';
import { PersistencePage } from './persistence-page.ts';
import type { Route } from './route.ts';
import { SearchPage } from './search-page.ts';
import { ServicePage } from './service-page.ts';
import { ServicesPage } from './services-page.ts';

export interface Page {
  readonly title: string;
  readonly content: ComponentChild;
}

/** Those that one can go to from everywhere. */
export const PLACES: readonly {
  readonly path: string;
  readonly title: string;
  /** What it shows lies in namespaces. */
  readonly isNamespaced: boolean;
  /** Places that are reached from it. */
  readonly below: readonly string[];
}[] = [
  { path: 'services', title: 'Services', isNamespaced: true, below: ['instances'] },
  { path: 'nodes', title: 'Nodes', isNamespaced: false, below: [] },
  { path: 'machines', title: 'Machines', isNamespaced: true, below: ['clusters'] },
  { path: 'persistence', title: 'Persistence', isNamespaced: false, below: [] },
  { path: 'events', title: 'Events', isNamespaced: true, below: [] },
];

export function pageOf(api: Api, { path, query }: Route): Page {
  const [place = 'services', first, second] = path;
  const { namespace } = query;
  // Another page is another component, even of the same kind: its watches begin anew.
  const key = path.join('/');
  if (second !== undefined && first !== undefined) {
    const about = { key, api, namespace: first, name: second };
    if (place === 'services') return { title: shown(second), content: h(ServicePage, about) };
    if (place === 'instances') return { title: shown(second), content: h(InstancePage, about) };
    if (place === 'machines') return { title: shown(second), content: h(MachinePage, about) };
    if (place === 'clusters') return { title: shown(second), content: h(ClusterPage, about) };
  } else if (first !== undefined) {
    if (place === 'nodes')
      return { title: shown(first), content: h(NodePage, { key, api, name: first }) };
  } else {
    switch (place) {
      case 'services':
        return { title: 'Services', content: h(ServicesPage, { key, api, namespace }) };
      case 'nodes':
        return { title: 'Nodes', content: h(NodesPage, { key, api }) };
      case 'machines':
        return {
          title: 'Machines and clusters',
          content: h(MachinesPage, { key, api, namespace }),
        };
      case 'search':
        return {
          title: 'Search',
          content: h(SearchPage, { key, api, namespace, text: query['text'] ?? '' }),
        };
      case 'persistence':
        return { title: 'Persistence', content: h(PersistencePage, { key, api }) };
      case 'events':
        return {
          title: 'Events',
          content: h(
            'div',
            { key },
            h('div', { class: 'bar' }, h(NamespaceChoice, { place: ['events'], namespace })),
            h(EventsView, { api, namespace }),
          ),
        };
      default:
    }
  }
  return { title: 'Not found', content: h('p', null, 'There is no such page.') };
}
