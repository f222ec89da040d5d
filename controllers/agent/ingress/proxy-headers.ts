// Which header fields pass a proxy and which it adds (RFC 9110 §7.6, RFC 7239). Pure, over the flat lists of names and values that
// Node and undici use.

/** For one connection only; never passed on. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** Written anew with each request. */
const OURS = new Set([
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
]);

export type Fields = readonly string[];

export interface Caller {
  /** Address of whoever is connected. */
  readonly address: string;
  readonly scheme: 'http' | 'https';
  /** As the Host field has it. */
  readonly host: string;
}

/** Names in lower case that the Connection field of these lists. */
function namedByConnection(fields: Fields): ReadonlySet<string> {
  const named = new Set<string>();
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index]?.toLowerCase() !== 'connection') continue;
    for (const name of (fields[index + 1] ?? '').split(',')) named.add(name.trim().toLowerCase());
  }
  return named;
}

/** Fields of a request as the instance gets them. */
export function requestFields(fields: Fields, caller: Caller): string[] {
  const named = namedByConnection(fields);
  const trusted = isLoopback(caller.address);
  const before = new Map<string, string>();
  const passed: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? '';
    const value = fields[index + 1] ?? '';
    const lower = name.toLowerCase();
    if (OURS.has(lower)) {
      const known = before.get(lower);
      before.set(lower, known === undefined ? value : `${known}, ${value}`);
      continue;
    }
    // Node has answered an Expect itself; the host is added once, below.
    if (HOP_BY_HOP.has(lower) || lower === 'expect' || lower === 'host') continue;
    if (named.has(lower)) continue;
    passed.push(name, value);
  }
  // What a stranger says about where it comes from is worth nothing; a proxy on this machine is asked to say it.
  const said = (name: string): string | undefined => (trusted ? before.get(name) : undefined);
  const joined = (name: string, own: string): string => {
    const earlier = said(name);
    return earlier === undefined || earlier === '' ? own : `${earlier}, ${own}`;
  };
  const address = caller.address.replace(/^::ffff:(?=\d+\.)/, '');
  passed.push('host', caller.host);
  passed.push('x-forwarded-for', joined('x-forwarded-for', address));
  passed.push('x-forwarded-host', said('x-forwarded-host') ?? caller.host);
  passed.push('x-forwarded-proto', said('x-forwarded-proto') ?? caller.scheme);
  passed.push('forwarded', joined('forwarded', forwardedElement(address, caller)));
  passed.push('via', '1.1 windlass');
  return passed;
}

function forwardedElement(address: string, { scheme, host }: Caller): string {
  const node = address.includes(':') ? `"[${address}]"` : address;
  const isToken = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(host);
  const shown = isToken ? host : `"${host.replaceAll(/["\\]/g, '\\$&')}"`;
  return `for=${node};host=${shown};proto=${scheme}`;
}

/** Fields of a response as the client gets them. */
export function responseFields(fields: Fields): string[] {
  const named = namedByConnection(fields);
  const passed: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? '';
    const lower = name.toLowerCase();
    if (!HOP_BY_HOP.has(lower) && !named.has(lower)) passed.push(name, fields[index + 1] ?? '');
  }
  return passed;
}

/** How often a field is there. */
export function countOf(fields: Fields, name: string): number {
  let count = 0;
  for (let index = 0; index < fields.length; index += 2)
    if (fields[index]?.toLowerCase() === name) count += 1;
  return count;
}

export function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}
