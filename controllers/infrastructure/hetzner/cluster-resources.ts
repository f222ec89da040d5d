// What a cluster has in the cloud beside its servers: made once, repaired where it drifted, ours by label only, and removed in the
// order of dependence.
import { NotOwned } from '../errors.ts';
import { isResourceOf, LABELS, resourceLabels } from '../label-scheme.ts';
import type { ClusterIdentity, NodeResult } from '../provider.ts';
import type { Action, HetznerClient, Thing } from './hetzner-client.ts';
import { hasCode } from './hetzner-error.ts';
import { sameRules, subnetOf } from './hetzner-settings.ts';
import type { FirewallRule, HetznerSettings } from './hetzner-settings.ts';

interface Kind {
  readonly kind: NodeResult['kind'];
  readonly path: string;
  /** Of a list, and of one. */
  readonly many: string;
  readonly one: string;
}

const NETWORK: Kind = { kind: 'network', path: '/networks', many: 'networks', one: 'network' };
const FIREWALL: Kind = { kind: 'firewall', path: '/firewalls', many: 'firewalls', one: 'firewall' };
const PLACEMENT_GROUP: Kind = {
  kind: 'placementGroup',
  path: '/placement_groups',
  many: 'placement_groups',
  one: 'placement_group',
};
const FLOATING_IP: Kind = {
  kind: 'floatingIP',
  path: '/floating_ips',
  many: 'floating_ips',
  one: 'floating_ip',
};
const LOAD_BALANCER: Kind = {
  kind: 'loadBalancer',
  path: '/load_balancers',
  many: 'load_balancers',
  one: 'load_balancer',
};
const IMAGE: Kind = { kind: 'image', path: '/images', many: 'images', one: 'image' };

/** Whoever uses another comes before it. */
const REMOVAL_ORDER = [PLACEMENT_GROUP, FIREWALL, FLOATING_IP, LOAD_BALANCER, IMAGE, NETWORK];

interface Network extends Thing {
  readonly ip_range: string;
  readonly subnets: readonly { readonly ip_range: string }[];
}

interface Firewall extends Thing {
  readonly rules: readonly FirewallRule[];
}

export interface FloatingIP extends Thing {
  readonly ip: string;
  readonly server: number | null;
}

export interface ClusterResources {
  readonly network: number;
  readonly firewall: number | undefined;
  readonly placementGroup: number | undefined;
}

/** Clusters of one name in two namespaces have two of each. */
export function resourceName(cluster: ClusterIdentity): string {
  return `windlass-${cluster.name}-${cluster.uid.slice(0, 8)}`;
}

/** @throws NotOwned for something of that name without our labels */
export async function ensureResources(
  client: HetznerClient,
  cluster: ClusterIdentity,
  settings: HetznerSettings,
  signal: AbortSignal,
): Promise<ClusterResources> {
  const network = await ensureNetwork(client, cluster, settings, signal);
  const firewall =
    settings.firewallRules.length === 0
      ? undefined
      : await ensureFirewall(client, cluster, settings.firewallRules, signal);
  const placementGroup = settings.hasPlacementGroup
    ? (await ensure<Thing>(client, PLACEMENT_GROUP, cluster, { type: 'spread' }, signal)).id
    : undefined;
  return { network, firewall, placementGroup };
}

/** One that does not depend on servers; in the first location. @throws NotOwned */
export function ensureFloatingIP(
  client: HetznerClient,
  cluster: ClusterIdentity,
  { locations }: HetznerSettings,
  signal: AbortSignal,
): Promise<FloatingIP> {
  return ensure<FloatingIP>(
    client,
    FLOATING_IP,
    cluster,
    { type: 'ipv4', home_location: locations[0] },
    signal,
  );
}

/** Does nothing where it leads there already; taken from another server otherwise. */
export async function attachFloatingIP(
  client: HetznerClient,
  floatingIP: FloatingIP,
  server: number,
  signal: AbortSignal,
): Promise<void> {
  if (floatingIP.server === server) return;
  await act(client, `/floating_ips/${floatingIP.id}/actions/assign`, signal, { server });
}

/** Does nothing where it leads nowhere. */
export async function detachFloatingIP(
  client: HetznerClient,
  floatingIP: FloatingIP,
  signal: AbortSignal,
): Promise<void> {
  if (floatingIP.server === null) return;
  await act(client, `/floating_ips/${floatingIP.id}/actions/unassign`, signal);
}

/** A result for each; one that fails keeps those that need it gone first, and no others. */
export async function removeResources(
  client: HetznerClient,
  cluster: ClusterIdentity,
  signal: AbortSignal,
): Promise<readonly NodeResult[]> {
  const results: NodeResult[] = [];
  const selector = encodeURIComponent(
    `${LABELS.cluster}=${cluster.name},${LABELS.clusterUID}=${cluster.uid},${LABELS.resource}`,
  );
  for (const kind of REMOVAL_ORDER) {
    const found = await client.list<Thing>(
      kind.path,
      kind.many,
      `label_selector=${selector}`,
      signal,
    );
    for (const thing of found.filter(({ labels }) => isResourceOf(labels, cluster, kind.kind))) {
      const result = { kind: kind.kind, name: thing.name };
      try {
        await client.remove(`${kind.path}/${thing.id}`, signal);
        results.push({ ...result, outcome: 'done' });
      } catch (error) {
        signal.throwIfAborted();
        results.push({ ...result, outcome: 'failed', error: error as Error });
      }
    }
  }
  return results;
}

/** With its subnet, which a crash may have left out. */
async function ensureNetwork(
  client: HetznerClient,
  cluster: ClusterIdentity,
  { networkCIDR, networkZone }: HetznerSettings,
  signal: AbortSignal,
): Promise<number> {
  const subnet = { type: 'cloud', network_zone: networkZone, ip_range: subnetOf(networkCIDR) };
  const body = { ip_range: networkCIDR, subnets: [subnet] };
  const network = await ensure<Network>(client, NETWORK, cluster, body, signal);
  if (network.subnets.length === 0) {
    const range = subnetOf(network.ip_range);
    await act(client, `/networks/${network.id}/actions/add_subnet`, signal, {
      ...subnet,
      ip_range: range,
    });
  }
  return network.id;
}

async function ensureFirewall(
  client: HetznerClient,
  cluster: ClusterIdentity,
  rules: readonly FirewallRule[],
  signal: AbortSignal,
): Promise<number> {
  const firewall = await ensure<Firewall>(client, FIREWALL, cluster, { rules }, signal);
  if (!sameRules(firewall.rules, rules)) {
    const { actions = [] } = await client.ask<{ readonly actions?: readonly Action[] }>(
      'POST',
      `/firewalls/${firewall.id}/actions/set_rules`,
      signal,
      { rules },
    );
    await client.finished(actions, signal);
  }
  return firewall.id;
}

async function ensure<T extends Thing>(
  client: HetznerClient,
  kind: Kind,
  cluster: ClusterIdentity,
  body: object,
  signal: AbortSignal,
): Promise<T> {
  const name = resourceName(cluster);
  const present = await owned<T>(client, kind, cluster, name, signal);
  if (present !== undefined) return present;
  const labels = resourceLabels(cluster, kind.kind);
  try {
    const answer = await client.ask<{ readonly [key: string]: unknown; readonly action?: Action }>(
      'POST',
      kind.path,
      signal,
      { name, labels, ...body },
    );
    await client.finished([answer.action], signal);
    return answer[kind.one] as T;
  } catch (error) {
    if (!hasCode(error, 'uniqueness_error')) throw error;
    // Somebody was faster, or our own answer was lost.
    const other = await owned<T>(client, kind, cluster, name, signal);
    if (other === undefined) throw error;
    return other;
  }
}

async function owned<T extends Thing>(
  client: HetznerClient,
  kind: Kind,
  cluster: ClusterIdentity,
  name: string,
  signal: AbortSignal,
): Promise<T | undefined> {
  const present = await client.named<T>(kind.path, kind.many, name, signal);
  if (present === undefined || isResourceOf(present.labels, cluster, kind.kind)) return present;
  throw new NotOwned(
    `${kind.kind} ${name}`,
    `it lacks the label ${LABELS.clusterUID}=${cluster.uid}`,
  );
}

async function act(
  client: HetznerClient,
  path: string,
  signal: AbortSignal,
  body: object = {},
): Promise<void> {
  const { action } = await client.ask<{ readonly action: Action }>('POST', path, signal, body);
  await client.finished([action], signal);
}
