// The kinds that the console shows, and where the server has them.

export interface Kind {
  /** '' for the core group. */
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly isNamespaced: boolean;
}

function ours(resource: string, isNamespaced = true): Kind {
  return { group: 'windlass.dev', version: 'v1alpha1', resource, isNamespaced };
}

function core(resource: string, isNamespaced = true): Kind {
  return { group: '', version: 'v1', resource, isNamespaced };
}

export const SERVICES: Kind = ours('services');
export const MACHINES: Kind = ours('machines');
export const CLUSTERS: Kind = ours('clusters');
export const PERSISTENCE_INSTANCES: Kind = ours('persistenceinstances', false);
export const PODS: Kind = core('pods');
export const EVENTS: Kind = core('events');
export const NODES: Kind = core('nodes', false);
export const CONTROLLER_REVISIONS: Kind = {
  group: 'apps',
  version: 'v1',
  resource: 'controllerrevisions',
  isNamespaced: true,
};

export interface Place {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

/** `/apis/windlass.dev/v1alpha1/namespaces/default/services/web/status` */
export function pathOf(kind: Kind, { namespace, name, subresource }: Place = {}): string {
  const { group, version, resource, isNamespaced } = kind;
  const root = group === '' ? ['api', version] : ['apis', group, version];
  const inside =
    isNamespaced && namespace !== undefined && namespace !== '' ? ['namespaces', namespace] : [];
  const rest = [name, subresource].filter((part) => part !== undefined && part !== '');
  return `/${[...root, ...inside, resource, ...rest].map((part) => encodeURIComponent(String(part))).join('/')}`;
}
