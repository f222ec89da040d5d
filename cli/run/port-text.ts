// The short form of published ports, as uncloud writes them: `[HOSTNAME:][PORT:]CONTAINER_PORT[/PROTOCOL]` for the ingress,
// `[IP|CIDR:]PORT:CONTAINER_PORT[/PROTOCOL]@host` for a port of the machine. Parsing, checking and printing. Pure.
import { isIP } from 'node:net';
import { UsageError } from '../usage-error.ts';

export type PortProtocol = 'tcp' | 'udp' | 'http' | 'https';

export interface PublishedPort {
  readonly mode: 'ingress' | 'host';
  readonly containerPort: number;
  /** On the machine; absent when none was chosen. */
  readonly publishedPort?: number;
  readonly protocol: PortProtocol;
  /** Ingress only. */
  readonly hostname?: string;
  /** Host mode only: the address to bind. */
  readonly hostIP?: string;
  /** Host mode only: bind each address of the machine inside of it. */
  readonly hostPrefix?: string;
}

/** A port that was put together by hand: nothing in it has been checked. */
export interface UncheckedPort {
  readonly mode?: string | undefined;
  readonly containerPort?: number | undefined;
  readonly publishedPort?: number | undefined;
  readonly protocol?: string | undefined;
  readonly hostname?: string | undefined;
  readonly hostIP?: string | undefined;
  readonly hostPrefix?: string | undefined;
}

const PROTOCOLS: readonly string[] = ['tcp', 'udp', 'http', 'https'];
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/** @throws UsageError that says which part is wrong */
export function parsePort(text: string): PublishedPort {
  const [address = '', mode = 'ingress', ...more] = text.split('@');
  if (more.length > 0) throw wrong(text, "too many '@' symbols");
  if (mode !== 'host' && (mode !== 'ingress' || text.includes('@')))
    throw wrong(text, `invalid mode: '${mode}', only 'host' can follow '@'`);
  // A `/` before the last colon is that of a CIDR.
  const slash = address.indexOf('/', address.lastIndexOf(':') + 1);
  const hasProtocol = slash !== -1;
  const protocol = hasProtocol ? address.slice(slash + 1) : undefined;
  const numbers = hasProtocol ? address.slice(0, slash) : address;
  const parse = mode === 'host' ? parseHost : parseIngress;
  return checkPort(parse(text, numbers, protocol), text);
}

function parseIngress(text: string, numbers: string, given: string | undefined): UncheckedPort {
  if (given !== undefined && !PROTOCOLS.includes(given))
    throw wrong(text, `unsupported protocol: '${given}', use tcp, udp, http or https`);
  const parts = numbers.split(':');
  const containerPort = portNumber(text, 'container', parts.at(-1) ?? '');
  if (parts.length > 3) throw wrong(text, "too many ':' symbols");
  const [first = '', second] = parts.slice(0, -1);
  const isHostname = parts.length === 3 || (parts.length === 2 && !/^\d+$/.test(first));
  if (parts.length === 2 && first === '')
    throw wrong(text, 'hostname or published port must be specified before the colon');
  const hostname = isHostname ? first : undefined;
  const published = isHostname ? second : parts.length === 2 ? first : undefined;
  return {
    mode: 'ingress',
    containerPort,
    protocol: given ?? (hostname === undefined ? 'tcp' : 'https'),
    ...publishedPort(text, published),
    ...(hostname === undefined ? {} : { hostname }),
  };
}

function parseHost(text: string, numbers: string, protocol = 'tcp'): UncheckedPort {
  const [rest, container] = cutLast(numbers);
  const containerPort = portNumber(text, 'container', container);
  if (rest === undefined) return { mode: 'host', containerPort, protocol };
  const [host, published] = cutLast(rest);
  if (host === undefined || rest.endsWith(']')) {
    // Nothing but an address or a name stands before the container's port.
    if (isIP(rest.replaceAll(/[[\]]/g, '')) !== 0) return { mode: 'host', containerPort, protocol };
    if (rest.includes('.')) throw wrong(text, 'hostname cannot be specified in host mode');
    return { mode: 'host', containerPort, protocol, ...publishedPort(text, rest) };
  }
  const port = publishedPort(text, published);
  return { mode: 'host', containerPort, protocol, ...port, ...hostAddress(text, host) };
}

function hostAddress(text: string, host: string): UncheckedPort {
  const [bracketed = '', bits] = host.split('/');
  const address = /^\[(.*)\]$/.exec(bracketed)?.[1] ?? bracketed;
  const isBare = address === bracketed;
  const family = isIP(address);
  const isWell = family === (isBare ? 4 : 6);
  if (bits === undefined) {
    if (isWell) return { hostIP: address };
    const why = /^[a-z0-9.-]+$/i.test(host) ? ': hostname cannot be specified in host mode' : '';
    throw wrong(text, `invalid host IP '${host}'${why || '; IPv6 is written in brackets'}`);
  }
  const isLength = /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
  if (!isWell || !isLength || host.split('/').length > 2)
    throw wrong(text, `invalid host prefix '${host}'`);
  return { hostPrefix: `${address}/${Number(bits)}` };
}

/** @throws UsageError that says which field is wrong. @param text what the user wrote, for the message */
export function checkPort(port: UncheckedPort, text: string = JSON.stringify(port)): PublishedPort {
  const { mode = 'ingress', containerPort = 0, publishedPort = 0, protocol = 'tcp' } = port;
  const { hostname = '', hostIP = '', hostPrefix = '' } = port;
  if (!isPort(containerPort))
    throw wrong(text, `invalid container port '${containerPort}': ${portRule('container')}`);
  if (publishedPort !== 0 && !isPort(publishedPort))
    throw wrong(text, `invalid published port '${publishedPort}': ${portRule('published')}`);
  if (mode === 'host') {
    if (protocol !== 'tcp' && protocol !== 'udp')
      throw wrong(
        text,
        `unsupported protocol '${protocol}' in host mode, only 'tcp' and 'udp' are supported`,
      );
    if (hostname !== '') throw wrong(text, 'hostname cannot be specified in host mode');
    if (publishedPort === 0) throw wrong(text, 'published port is required in host mode');
    if (hostIP !== '' && hostPrefix !== '')
      throw wrong(text, 'host IP and prefix cannot both be specified in host mode');
    return {
      mode,
      containerPort,
      publishedPort,
      protocol,
      ...(hostIP === '' ? {} : { hostIP }),
      ...(hostPrefix === '' ? {} : { hostPrefix }),
    };
  }
  if (mode !== 'ingress') throw wrong(text, `invalid mode: '${mode}'`);
  if (!PROTOCOLS.includes(protocol)) throw wrong(text, `invalid protocol '${protocol}'`);
  if (hostIP !== '') throw wrong(text, 'host IP cannot be specified in ingress mode');
  if (hostPrefix !== '') throw wrong(text, 'host prefix cannot be specified in ingress mode');
  if (hostname !== '') checkHostname(text, hostname, protocol);
  return {
    mode,
    containerPort,
    ...(publishedPort === 0 ? {} : { publishedPort }),
    protocol: protocol as PortProtocol,
    ...(hostname === '' ? {} : { hostname }),
  };
}

function checkHostname(text: string, hostname: string, protocol: string): void {
  const labels = hostname.split('.');
  const isName = labels.length > 1 && labels.every((label) => LABEL.test(label));
  if (!isName || isIP(hostname) !== 0 || hostname.length > 253)
    throw wrong(
      text,
      `invalid hostname '${hostname}': must be a valid domain name containing at least one dot`,
    );
  if (protocol !== 'http' && protocol !== 'https')
    throw wrong(text, "hostname is only valid with 'http' or 'https' protocols");
}

/** The text that parses to `port`; the protocol is always written. */
export function formatPort(port: PublishedPort): string {
  const { mode, containerPort, publishedPort, protocol, hostname, hostIP, hostPrefix } = port;
  const [address, bits] = (hostPrefix ?? hostIP ?? '').split('/');
  const bound = address?.includes(':') === true ? `[${address}]` : address;
  const host = hostname ?? (bits === undefined ? bound : `${bound}/${bits}`);
  const numbers = [host, publishedPort, containerPort].filter(
    (part) => part !== undefined && part !== '',
  );
  return `${numbers.join(':')}/${protocol}${mode === 'host' ? '@host' : ''}`;
}

function publishedPort(
  text: string,
  published: string | undefined,
): { readonly publishedPort?: number } {
  // uncloud writes 0 for "none".
  if (published === undefined || published === '0') return {};
  return { publishedPort: portNumber(text, 'published', published) };
}

function portNumber(text: string, which: 'container' | 'published', digits: string): number {
  const number = /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
  if (isPort(number)) return number;
  throw wrong(text, `invalid ${which} port '${digits}': ${portRule(which)}`);
}

function portRule(which: 'container' | 'published'): string {
  return `${which} port must be non-zero, a number from 1 to 65535`;
}

function isPort(number: number): boolean {
  return Number.isInteger(number) && number > 0 && number <= 65_535;
}

function cutLast(text: string): readonly [before: string | undefined, last: string] {
  const colon = text.lastIndexOf(':');
  return colon === -1 ? [undefined, text] : [text.slice(0, colon), text.slice(colon + 1)];
}

function wrong(text: string, why: string): UsageError {
  return new UsageError(`port ${text}: ${why}`);
}
