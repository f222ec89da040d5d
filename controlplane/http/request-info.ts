// URL and method → what is asked for, as upstream's RequestInfo. Pure, and on the path of every request: no regular expressions.

export type RequestVerb =
  | 'get'
  | 'list'
  | 'watch'
  | 'create'
  | 'update'
  | 'patch'
  | 'delete'
  | 'deletecollection'
  /** Paths outside the API, and methods that mean nothing in it: the method in lower case. */
  | (string & {});

export interface RequestInfo {
  readonly method: string;
  /** Decoded of nothing, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly isResourceRequest: boolean;
  readonly verb: RequestVerb;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  /** '' when the path names none. */
  readonly namespace: string;
  /** '' for collections. */
  readonly name: string;
}

const NO_QUERY = new URLSearchParams();
/** Under /namespaces/<name>/ these are subresources of the Namespace itself, not collections in it. */
const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize']);

/**
 * @param url path and query as in the request line
 * @throws URIError when a path segment is not valid percent-encoding
 */
export function parseRequestInfo(method: string, url: string): RequestInfo {
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? NO_QUERY : new URLSearchParams(url.slice(mark + 1));
  const parts = splitPath(path);
  const isCore = parts[0] === 'api';
  const start = isCore ? 2 : 3;
  if ((!isCore && parts[0] !== 'apis') || parts.length <= start) {
    return nonResource(method, path, query);
  }
  return resourceRequest(method, path, query, {
    group: isCore ? '' : (parts[1] ?? ''),
    version: parts[start - 1] ?? '',
    rest: parts.slice(start),
  });
}

function splitPath(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '');
  return path.includes('%') ? parts.map((part) => decodeURIComponent(part)) : parts;
}

function nonResource(method: string, path: string, query: URLSearchParams): RequestInfo {
  return {
    method,
    path,
    query,
    isResourceRequest: false,
    verb: method.toLowerCase(),
    group: '',
    version: '',
    resource: '',
    subresource: '',
    namespace: '',
    name: '',
  };
}

function resourceRequest(
  method: string,
  path: string,
  query: URLSearchParams,
  location: { readonly group: string; readonly version: string; readonly rest: readonly string[] },
): RequestInfo {
  let { rest } = location;
  // The old way to watch: /api/v1/watch/namespaces/ns/pods.
  const isWatchPath = rest[0] === 'watch' && rest.length > 1;
  if (isWatchPath) rest = rest.slice(1);

  let namespace = '';
  if (rest[0] === 'namespaces' && rest.length > 1) {
    namespace = rest[1] ?? '';
    // /namespaces/x and /namespaces/x/status are about the Namespace, and in it too as upstream sees it.
    if (rest.length > 2 && !(rest.length === 3 && NAMESPACE_SUBRESOURCES.has(rest[2] ?? ''))) {
      rest = rest.slice(2);
    }
  }
  const name = rest[1] ?? '';
  return {
    method,
    path,
    query,
    isResourceRequest: true,
    verb: isWatchPath ? 'watch' : verbOf(method, name, query),
    group: location.group,
    version: location.version,
    resource: rest[0] ?? '',
    // What follows is for whoever is behind the proxy.
    subresource: rest[2] === 'proxy' ? 'proxy' : rest.slice(2).join('/'),
    namespace,
    name,
  };
}

function verbOf(method: string, name: string, query: URLSearchParams): RequestVerb {
  switch (method) {
    case 'GET':
    case 'HEAD':
      // One that is named is only got, whatever else is asked.
      if (name !== '') return 'get';
      return isTrue(query.get('watch')) ? 'watch' : 'list';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return name === '' ? 'deletecollection' : 'delete';
    default:
      return method.toLowerCase();
  }
}

/** Upstream's query booleans: anything but absent, `0` and `false` is true. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== '0' && value.toLowerCase() !== 'false';
}
