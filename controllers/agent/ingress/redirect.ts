// What sends a client from HTTP to the same place over HTTPS. Pure.
import { withoutPort } from './host-table.ts';

/** Names, and addresses as URLs have them. */
const NAME = /^(?:[a-z0-9_](?:[-a-z0-9_.]*[a-z0-9_.])?|\[[0-9a-f:.]+\])$/i;

/**
 * @param host as in a Host field, with or without a port
 * @param port where HTTPS is served
 * @param target path and query, kept as they are
 * @returns undefined for a host that no URL can have
 */
export function redirectLocation(host: string, port: number, target: string): string | undefined {
  const name = withoutPort(host);
  if (!NAME.test(name)) return undefined;
  return `https://${name}${port === 443 ? '' : `:${port}`}${target}`;
}

/** Not to be remembered: a service may be served over HTTP again some day. */
export function redirectHead(location: string): Readonly<Record<string, string>> {
  return { location, 'cache-control': 'no-store', 'content-length': '0' };
}
