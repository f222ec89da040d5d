// Which page an address means.
import { h } from 'preact';
import type { ComponentChild } from 'preact';

import type { Api } from './api.ts';
import { EventsView } from './events-view.ts';
import { InstancePage } from './instance-page.ts';
import { MachinesPage } from './machines-page.ts';
import { NamespaceChoice } from './namespace-choice.ts';
import { NodePage, NodesPage } from './nodes-page.ts';
import { shown } from './parts.ts';
import { PersistencePage } from './persistence-page.ts';
import type { Route } from './route.ts';
import { ServicePage } from './service-page.ts';
import { ServicesPage } from './services-page.ts';

export interface Page {
  readonly title: string;
  readonly content: ComponentChild;
}

/** Those that one can go to from everywhere. */
export const PLACES: readonly { readonly path: string; readonly title: string }[] = [
  { path: 'services', title: 'Services' },
  { path: 'nodes', title: 'Nodes' },
  { path: 'machines', title: 'Machines' },
  { path: 'persistence', title: 'Persistence' },
  { path: 'events', title: 'Events' },
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
