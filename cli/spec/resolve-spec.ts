// A spec with everything filled in that a service needs: a name, one instance, and names under the cluster's domain for what the ingress
// serves. Pure: the random part of a name comes from whoever asks.
import { formatPort, parsePort } from '../run/port-text.ts';
import { serviceNameOf } from '../run/service-name.ts';
import { UsageError } from '../usage-error.ts';
import { checkSpec } from './check-spec.ts';
import { isHttp } from './neutral-spec.ts';
import type { NeutralSpec } from './neutral-spec.ts';

export interface ResolveOptions {
  /** The domain under which services get host names; '' when there is none. `undefined`: none are made, ports without serve any host. */
  readonly clusterDomain: string | undefined;
  /** Four characters for a name that is made of the image. */
  readonly random: string;
}

export type ResolvedSpec = NeutralSpec & {
  readonly name: string;
  readonly mode: string;
  readonly replicas: number;
};

/** @throws UsageError */
export function resolveSpec(spec: NeutralSpec, options: ResolveOptions): ResolvedSpec {
  checkSpec(spec);
  const { mode = '', name = '', replicas = 0, container, ports = [] } = spec;
  const resolvedName = name === '' ? serviceNameOf(container.image, options.random) : name;
  const isGlobal = mode === 'global';
  return {
    ...spec,
    name: resolvedName,
    mode: isGlobal ? mode : 'replicated',
    replicas: isGlobal ? replicas : Math.max(1, replicas),
    container: { ...container, pullPolicy: container.pullPolicy || 'missing' },
    ports: hostnamesFor(ports, resolvedName, options.clusterDomain),
  };
}

/** Each name once, however many ports lead to it; those of the cluster after all others. */
export function hostnamesFor(
  ports: readonly string[],
  service: string,
  domain: string | undefined,
): readonly string[] {
  if (domain === undefined) return ports;
  const own: string[] = [];
  const given: string[] = [];
  for (const text of ports) {
    const port = parsePort(text);
    const { mode, protocol, hostname } = port;
    if (mode === 'host' || !isHttp(protocol)) {
      given.push(text);
      continue;
    }
    if (hostname === undefined && domain === '')
      throw new UsageError(
        `cluster domain must be reserved to generate hostname for ingress port: ${text}`,
      );
    const underDomain = formatPort({ ...port, hostname: `${service}.${domain}` });
    if (hostname === undefined) {
      given.push(underDomain);
      continue;
    }
    given.push(text);
    if (domain !== '' && !hostname.toLowerCase().endsWith(`.${domain.toLowerCase()}`))
      own.push(underDomain);
  }
  return [...new Set([...given, ...own])];
}
