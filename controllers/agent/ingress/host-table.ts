// Finds the route for a host and a path: the exact host before the wildcard before any, and among those the longest path that
// fits on segment borders. A host whose paths do not fit leaves the request to the next best one.
import type { Route } from './entry.ts';
import { normalHost } from './entry.ts';

export class HostTable {
  /** Longest path first. */
  readonly #byHost = new Map<string, readonly Route[]>();

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const others = this.#byHost.get(route.host) ?? [];
      const all = [...others, route].toSorted((a, b) => b.path.length - a.path.length);
      this.#byHost.set(route.host, all);
    }
  }

  /** @param host as in a Host field or an SNI name, with or without a port. @param path without its query */
  find(host: string, path = ''): Route | undefined {
    const name = normalHost(withoutPort(host));
    const candidates = [name, wildcardOf(name), ''];
    for (const candidate of candidates) {
      if (candidate === undefined) continue;
      const found = this.#byHost.get(candidate)?.find((route) => isBelow(path, route.path));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Whose certificate goes with a host, whatever the path. */
  certified(host: string): Route | undefined {
    const name = normalHost(host);
    for (const candidate of [name, wildcardOf(name), '']) {
      const found = candidate === undefined ? undefined : this.#byHost.get(candidate)?.[0];
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

export function withoutPort(host: string): string {
  return host.replace(/:\d*$/, '');
}

/** `*.example.com` of `www.example.com`; a wildcard stands for one label. */
export function wildcardOf(name: string): string | undefined {
  const dot = name.indexOf('.');
  return dot < 1 ? undefined : `*${name.slice(dot)}`;
}

function isBelow(path: string, prefix: string): boolean {
  if (prefix === '') return true;
  return path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === '/');
}
