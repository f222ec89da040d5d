// URLs of the Kubernetes API, built from a resource, a namespace and a name. Pure.
import type { ApiResource } from './client-types.ts';

export type Query = Readonly<Record<string, string | number | undefined>>;

/** `/api/v1`, `/apis/apps/v1`. */
export function groupVersionPath(resource: Pick<ApiResource, 'group' | 'version'>): string {
  return resource.group === ''
    ? `/api/${resource.version}`
    : `/apis/${resource.group}/${resource.version}`;
}

/** Path of a collection; an empty namespace means all of them. */
export function collectionPath(resource: ApiResource, namespace: string): string {
  const scope =
    resource.namespaced && namespace !== '' ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${groupVersionPath(resource)}${scope}/${resource.resource}`;
}

/** @param subresource '' for the object itself */
export function objectPath(
  resource: ApiResource,
  namespace: string,
  name: string,
  subresource = '',
): string {
  const path = `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`;
  return subresource === '' ? path : `${path}/${subresource}`;
}

/** Adds a query string; leaves out what is undefined. */
export function withQuery(path: string, query: Query): string {
  let search: URLSearchParams | undefined;
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === '') continue;
    search ??= new URLSearchParams();
    search.set(name, String(value));
  }
  return search === undefined ? path : `${path}?${search.toString()}`;
}

/** `apps/v1`, or `v1` for the core group. */
export function apiVersionOf(resource: Pick<ApiResource, 'group' | 'version'>): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** What may be sent as it is: nearly always. */
const PLAIN = /^[!-~]+$/;

/** The path with its query, with all that no request line may hold percent-encoded. */
export function encodedPath(path: string): string {
  if (PLAIN.test(path)) return path;
  const { pathname, search } = new URL(path, 'https://server');
  return `${pathname}${search}`;
}
