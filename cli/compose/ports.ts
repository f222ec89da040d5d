// `ports`, `expose` and uncloud's `x-ports` of a Compose service as published ports.
import { checkPort, parsePort } from '../run/port-text.ts';
import type { PublishedPort, UncheckedPort } from '../run/port-text.ts';
import { checkPublished } from '../run/published-ports.ts';
import { hostnamesFor } from '../spec/resolve-spec.ts';
import type { Field } from './field.ts';

const LONG = ['app_protocol', 'host_ip', 'mode', 'name', 'protocol', 'published', 'target'];
/** As many as a Service can have. */
const LONGEST_RANGE = 64;

/** Of all that publishes, and ports of the container that are only declared. */
export interface Ports {
  readonly published: readonly PublishedPort[];
  readonly exposed: readonly { readonly port: number; readonly protocol: 'tcp' | 'udp' }[];
}

export function portsOf(service: Field, name: string, clusterDomain: string | undefined): Ports {
  const published: PublishedPort[] = [];
  const exposed: { port: number; protocol: 'tcp' | 'udp' }[] = [];
  for (const item of service.get('ports')?.items() ?? []) {
    for (const port of item.isText ? shortPorts(item) : [longPort(item)]) {
      if (port.publishedPort === undefined) {
        item.warn(
          `no port of the machine is given, and none is chosen: write HOST_PORT:${port.containerPort} to publish it`,
        );
        const protocol = port.protocol === 'udp' ? 'udp' : 'tcp';
        exposed.push({ port: port.containerPort ?? 0, protocol });
      } else published.push(item.attempt(() => checkPort(port)));
    }
  }
  const extended = service.get('x-ports');
  if (extended !== undefined && (service.get('ports')?.items() ?? []).length > 0)
    extended.fail("cannot specify both 'ports' and 'x-ports' directives, use only one");
  for (const item of extended?.items() ?? []) item.attempt(() => parsePort(item.text()));
  if (extended !== undefined) {
    const texts = extended.items().map((item) => item.text());
    const named = extended.attempt(() => hostnamesFor(texts, name, clusterDomain));
    published.push(...named.map((text) => parsePort(text)));
  }
  service.attempt(() => checkPublished(published));
  for (const item of service.get('expose')?.items() ?? []) exposed.push(...exposedPorts(item));
  return { published, exposed };
}

const SHORT =
  /^(?:(?:(\[[0-9a-f:.]+\]|[0-9.]+):)?(\d{0,5}(?:-\d{1,5})?):)?(\d{1,5}(?:-\d{1,5})?)(?:\/(\w+))?$/i;

/** `8080:80`, `127.0.0.1:8080:80/udp`, `8000-8010:9000-9010`, `80` */
function shortPorts(field: Field): readonly UncheckedPort[] {
  const text = field.text();
  const match = SHORT.exec(text);
  if (match === null)
    return field.fail(
      `invalid port '${text}': write it as [[IP:]HOST_PORT:]CONTAINER_PORT[/tcp|udp]`,
    );
  const [, address, host = '', container = '', protocol = 'tcp'] = match;
  const targets = range(field, container);
  const sources = host === '' ? [] : range(field, host);
  if (sources.length > 0 && sources.length !== targets.length)
    field.fail(`'${text}': both ranges must have the same length`);
  return targets.map((containerPort, index) =>
    unchecked(field, {
      containerPort,
      published: sources[index],
      protocol: protocol.toLowerCase(),
      hostIP: address?.replaceAll(/[[\]]/g, ''),
    }),
  );
}

function longPort(field: Field): UncheckedPort {
  field.refuseUnknown(LONG);
  const target = field.get('target') ?? field.fail('target is missing');
  const published = field.get('published');
  const text = published?.text() ?? '';
  if (text.includes('-'))
    published?.fail(`'${text}': one port is chosen for one target here; name it`);
  const number = text === '' || text === '0' ? undefined : published?.integer(1, 65_535);
  const app = field.get('app_protocol')?.text().toLowerCase();
  const protocol = field.get('protocol')?.text().toLowerCase() ?? 'tcp';
  const mode = field.get('mode')?.choice(['ingress', 'host'], 'mode');
  const isHTTP = app === 'http' && protocol === 'tcp' && mode !== 'host';
  return unchecked(field, {
    containerPort: target.integer(1, 65_535),
    published: number,
    protocol: isHTTP ? 'http' : protocol,
    hostIP: field.get('host_ip')?.text(),
    mode,
  });
}

interface PortParts {
  readonly containerPort: number;
  readonly published: number | undefined;
  readonly protocol: string;
  readonly hostIP: string | undefined;
  readonly mode?: 'ingress' | 'host' | undefined;
}

/** What is bound to one address is bound by the instance: the ingress is on all of them. */
function unchecked(field: Field, parts: PortParts): UncheckedPort {
  const { containerPort, published, protocol, hostIP = '', mode } = parts;
  if (!['tcp', 'udp', 'http'].includes(protocol))
    field.fail(`unsupported protocol '${protocol}': use tcp or udp`);
  const isAll = hostIP === '' || hostIP === '0.0.0.0' || hostIP === '::';
  return {
    mode: mode ?? (isAll ? 'ingress' : 'host'),
    containerPort,
    ...(published === undefined ? {} : { publishedPort: published }),
    protocol: protocol === 'http' && !isAll ? 'tcp' : protocol,
    ...(isAll ? {} : { hostIP }),
  };
}

function exposedPorts(field: Field): Ports['exposed'] {
  const [numbers = '', protocol = 'tcp'] = field.text().split('/');
  if (protocol !== 'tcp' && protocol !== 'udp')
    return field.fail(`unsupported protocol '${protocol}': use tcp or udp`);
  return range(field, numbers).map((port) => ({ port, protocol }));
}

function range(field: Field, text: string): readonly number[] {
  const [first = '', last = first] = text.split('-');
  const [from, to] = [Number(first), Number(last)];
  const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65_535;
  if (!isPort(from) || !isPort(to) || to < from)
    field.fail(`'${text}' must be a port from 1 to 65535, or a range of them`);
  if (to - from >= LONGEST_RANGE)
    field.fail(`'${text}' has ${to - from + 1} ports; ${LONGEST_RANGE} is the most`);
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
