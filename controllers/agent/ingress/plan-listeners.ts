// Which listeners a node needs for the Services, and which route leads where. Where two Services want the same, the older one has
// it, on every node alike. Pure.
import type { CertificateSource, IngressEntry, IngressService, Route } from './entry.ts';
import { normalHost } from './entry.ts';

/**
 * `tcp` and `udp` have one route; `http` and `tls` tell them apart by host and path. On a `tls` port a host is either HTTP behind our
 * TLS (`routes`), or bytes as they come (`passthrough`). On an `http` port there may be redirects that nobody asked for: they are for
 * what no route is for, so they take nothing away from anybody.
 */
export interface ListenerPlan {
  /** `tcp/443`, `udp/53`. */
  readonly key: string;
  readonly port: number;
  readonly kind: 'tcp' | 'http' | 'tls' | 'udp';
  readonly routes: readonly Route[];
  readonly passthrough: readonly Route[];
  readonly redirects: readonly Route[];
}

/** An entry that is not served, or not as asked. */
export interface Complaint {
  readonly service: IngressService;
  readonly reason: 'IngressConflict' | 'IngressInvalid';
  readonly message: string;
}

export interface IngressPlan {
  readonly listeners: ReadonlyMap<string, ListenerPlan>;
  readonly complaints: readonly Complaint[];
}

type Group = 'routes' | 'passthrough';

interface Draft extends ListenerPlan {
  readonly owner: IngressService;
  readonly routes: Route[];
  readonly passthrough: Route[];
  readonly redirects: Route[];
}

const GROUP_WORDS: Readonly<Record<Group, string>> = {
  routes: 'HTTPS',
  passthrough: 'TLS that is passed through',
};
const KIND_WORDS = { tcp: 'TCP', http: 'HTTP', tls: 'TLS', udp: 'UDP' } as const;

/** @param services in any order: age decides, then namespace and name */
export function planListeners(services: readonly IngressService[]): IngressPlan {
  const drafts = new Map<string, Draft>();
  const complaints: Complaint[] = [];
  const secured: (readonly [IngressService, IngressEntry])[] = [];
  for (const service of services.toSorted(byAge)) {
    if (service.metadata.deletionTimestamp !== undefined) continue;
    for (const entry of service.spec?.ingress ?? []) {
      const problem = invalid(entry);
      const refused = problem ?? claim(drafts, service, entry);
      if (refused === undefined && entry.protocol === 'HTTPS') secured.push([service, entry]);
      const conflict = refused ?? claimRedirect(drafts, service, entry);
      if (conflict === undefined) continue;
      const reason = problem === undefined ? 'IngressConflict' : 'IngressInvalid';
      complaints.push({ service, reason, message: `spec.ingress ${nameOf(entry)}: ${conflict}` });
    }
  }
  // After all that somebody has asked for.
  for (const [service, entry] of secured) redirectUsual(drafts, service, entry);
  return { listeners: drafts, complaints };
}

function invalid(entry: IngressEntry): string | undefined {
  const { protocol = 'TCP', host = '', path = '', tls, port, redirectFrom = 0 } = entry;
  const isHTTP = protocol === 'HTTP' || protocol === 'HTTPS';
  if (!['TCP', 'HTTP', 'HTTPS', 'UDP'].includes(protocol))
    return `protocol ${protocol} is not known here: use TCP, HTTP, HTTPS or UDP`;
  if (tls !== undefined && protocol !== 'HTTPS')
    return `tls has no meaning with protocol ${protocol}: use HTTPS, or leave tls out`;
  if (redirectFrom !== 0 && protocol !== 'HTTPS')
    return `redirectFrom has no meaning with protocol ${protocol}: use HTTPS, or leave redirectFrom out`;
  if (redirectFrom === port)
    return `redirectFrom is the port itself: name the port where HTTP is asked for, such as 80`;
  if (host !== '' && !isHTTP)
    return `host has no meaning with protocol ${protocol}: bytes do not say which host they are for`;
  if (path !== '' && (!isHTTP || tls?.mode === 'Passthrough'))
    return 'path has no meaning where requests are not read: use protocol HTTP or HTTPS without Passthrough';
  if (tls?.mode === 'Secret' && (tls.secretName ?? '') === '')
    return 'tls.mode Secret needs tls.secretName, the name of a Secret of type kubernetes.io/tls';
  return undefined;
}

/** Takes the entry's place, or says who has it. */
function claim(
  drafts: Map<string, Draft>,
  service: IngressService,
  entry: IngressEntry,
): string | undefined {
  const kind = KINDS[entry.protocol ?? 'TCP'];
  const key = `${kind === 'udp' ? 'udp' : 'tcp'}/${entry.port}`;
  const route = routeOf(service, entry);
  const draft = drafts.get(key) ?? emptyDraft(key, entry.port, kind, service);
  if (draft.kind !== kind)
    return `port ${entry.port} serves ${KIND_WORDS[draft.kind]} for ${titleOf(draft.owner)}, so it cannot serve ${KIND_WORDS[kind]}: choose another port`;
  const group: Group = entry.tls?.mode === 'Passthrough' ? 'passthrough' : 'routes';
  const conflict =
    kind === 'tls' ? tlsConflict(draft, group, route) : sameRoute(draft.routes, route, kind);
  if (conflict !== undefined) return conflict;
  draft[group].push(route);
  drafts.set(key, draft);
  return undefined;
}

/** The redirect that the entry names: a route as others are. */
function claimRedirect(
  drafts: Map<string, Draft>,
  service: IngressService,
  entry: IngressEntry,
): string | undefined {
  const { redirectFrom = 0, port } = entry;
  if (redirectFrom === 0) return undefined;
  const key = `tcp/${redirectFrom}`;
  const route = redirectOf(service, entry);
  const draft = drafts.get(key) ?? emptyDraft(key, redirectFrom, 'http', service);
  const conflict =
    draft.kind === 'http'
      ? sameRoute(draft.routes, route, 'http')
      : `port ${redirectFrom} serves ${KIND_WORDS[draft.kind]} for ${titleOf(draft.owner)}`;
  if (conflict !== undefined)
    return `no redirect from port ${redirectFrom} to ${port}: ${conflict.replace(/: choose .*/, '')}; choose another redirectFrom, or 0 for none`;
  draft.routes.push(route);
  drafts.set(key, draft);
  return undefined;
}

/** From 80 to 443, as web servers do, unless the entry says something else or the port is for something else. */
function redirectUsual(
  drafts: Map<string, Draft>,
  service: IngressService,
  entry: IngressEntry,
): void {
  if (entry.port !== HTTPS_PORT || entry.redirectFrom !== undefined) return;
  const key = `tcp/${HTTP_PORT}`;
  const draft = drafts.get(key) ?? emptyDraft(key, HTTP_PORT, 'http', service);
  if (draft.kind !== 'http') return;
  draft.redirects.push(redirectOf(service, entry));
  drafts.set(key, draft);
}

function redirectOf(service: IngressService, entry: IngressEntry): Route {
  const { certificate: _, ...route } = routeOf(service, entry);
  return { ...route, redirectTo: entry.port };
}

function tlsConflict(draft: Draft, group: Group, route: Route): string | undefined {
  const { host } = route;
  for (const other of Object.keys(GROUP_WORDS) as Group[]) {
    const taken = draft[other].find((one) => one.host === host);
    if (taken === undefined || (other === 'routes' && group === 'routes')) continue;
    return `${hostWords(host)} serves ${GROUP_WORDS[other]} for ${titleOf(taken.service)}: choose another host or port`;
  }
  const certified = draft.routes.find((one) => one.host === host);
  if (group === 'routes' && certified !== undefined && !sameSource(certified, route))
    return `${hostWords(host)} has the certificate that ${titleOf(certified.service)} names: use the same tls, or another host`;
  return sameRoute(draft[group], route, 'tls');
}

function sameRoute(
  routes: readonly Route[],
  { host, path }: Route,
  kind: ListenerPlan['kind'],
): string | undefined {
  const isAlone = kind === 'tcp' || kind === 'udp';
  const taken = routes.find((one) => isAlone || (one.host === host && one.path === path));
  if (taken === undefined) return undefined;
  const what = isAlone ? 'the port' : `${hostWords(host)} with path ${path === '' ? '/' : path}`;
  const other = isAlone ? 'port' : 'host, path or port';
  return `${what} leads to ${titleOf(taken.service)} already: choose another ${other}`;
}

const HTTP_PORT = 80;
const HTTPS_PORT = 443;
const KINDS = { TCP: 'tcp', HTTP: 'http', HTTPS: 'tls', UDP: 'udp' } as const;

function routeOf(service: IngressService, entry: IngressEntry): Route {
  const { namespace = 'default', name } = service.metadata;
  const { tls, protocol, host = '', path = '', targetPort } = entry;
  const isOurTLS = protocol === 'HTTPS' && tls?.mode !== 'Passthrough';
  const secret = tls?.mode === 'Secret' ? (tls.secretName ?? '') : '';
  const certificate: CertificateSource =
    secret === '' ? { type: 'Internal' } : { type: 'Secret', namespace, name: secret };
  return {
    service,
    namespace,
    name,
    targetPort,
    host: normalHost(host),
    path: path.replace(/\/+$/, ''),
    ...(isOurTLS ? { certificate } : {}),
  };
}

function sameSource({ certificate: a }: Route, { certificate: b }: Route): boolean {
  if (a?.type !== 'Secret' || b?.type !== 'Secret') return a?.type === b?.type;
  return a.namespace === b.namespace && a.name === b.name;
}

function emptyDraft(
  key: string,
  port: number,
  kind: ListenerPlan['kind'],
  owner: IngressService,
): Draft {
  return { key, port, kind, owner, routes: [], passthrough: [], redirects: [] };
}

function byAge({ metadata: a }: IngressService, { metadata: b }: IngressService): number {
  const key = ({ creationTimestamp, namespace = '', name }: typeof a): string =>
    `${creationTimestamp}/${namespace}/${name}`;
  return key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0;
}

function titleOf({ metadata: { namespace = 'default', name } }: IngressService): string {
  return `Service ${namespace}/${name}`;
}

function nameOf({ port, protocol = 'TCP', host = '', path = '' }: IngressEntry): string {
  return `${protocol} ${port}${host === '' && path === '' ? '' : ` ${host}${path}`}`;
}

function hostWords(host: string): string {
  return host === '' ? 'the port without a host' : `host ${host}`;
}
