// The kinds that the console shows, and where the server has them.

export interface Kind {
  /** '' for the core group. */
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly isNamespaced: boolean;
}

function ours(resource: string, isNamespaced = false): Kind {
  return { group: 'windlass.dev', version: 'v1alpha1', resource, isNamespaced };
}

export const SERVICES: Kind = ours('services', true);

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
