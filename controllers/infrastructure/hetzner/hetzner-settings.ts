// The settings of an InfraProvider of type Hetzner, and of a node over them. Pure.
import { InvalidRequest } from '../errors.ts';
import type { NodeRequest } from '../provider.ts';

/** What a server starts from: exactly one of them. */
export type BootSource =
  | { readonly image: string }
  | { readonly imageID: number }
  | { readonly iso: string; readonly baseImage: string };

export interface HetznerSettings {
  readonly serverType: string;
  /** Tried in this order. */
  readonly locations: readonly string[];
  readonly networkZone: string;
  readonly networkCIDR: string;
  /** Spread over hosts of the cloud. */
  readonly hasPlacementGroup: boolean;
  /** A server without the group rather than none. */
  readonly canDropPlacementGroup: boolean;
  readonly hasFloatingIP: boolean;
  readonly sshKeys: readonly string[];
  readonly userData: string | undefined;
  /** Before a server that was asked to shut down is powered off. */
  readonly shutdownGraceMs: number;
  readonly firewallRules: readonly FirewallRule[];
  readonly boot: Readonly<Record<string, string>>;
}

/** As the API has it. */
export interface FirewallRule {
  readonly direction: string;
  readonly protocol: string;
  readonly port?: string | null;
  readonly source_ips?: readonly string[];
  readonly destination_ips?: readonly string[];
  readonly description?: string | null;
}

const KNOWN =
  'serverType locations networkZone networkCIDR placementGroup placementFallback floatingIP sshKeys userData shutdownGraceSeconds firewallRules image imageID iso isoBaseImage'.split(
    ' ',
  );

/** @throws InvalidRequest naming the setting, what was found and what may be there */
export function hetznerSettings(settings: Readonly<Record<string, string>>): HetznerSettings {
  const unknown = Object.keys(settings).find((key) => !KNOWN.includes(key));
  if (unknown !== undefined)
    throw new InvalidRequest(
      `settings.${unknown}: no such setting of type Hetzner: there are ${KNOWN.join(', ')}`,
    );
  const seconds = Number(settings['shutdownGraceSeconds'] ?? '60');
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > 3600)
    throw new InvalidRequest('settings.shutdownGraceSeconds: give a whole number from 0 to 3600');
  const networkCIDR = settings['networkCIDR'] ?? '10.0.0.0/16';
  subnetOf(networkCIDR);
  return {
    serverType: settings['serverType'] ?? 'cx23',
    locations: listOf(settings['locations'] ?? 'fsn1,nbg1,hel1'),
    networkZone: settings['networkZone'] ?? 'eu-central',
    networkCIDR,
    hasPlacementGroup: flagOf('placementGroup', settings['placementGroup'] ?? 'true'),
    canDropPlacementGroup: flagOf('placementFallback', settings['placementFallback'] ?? 'false'),
    hasFloatingIP: flagOf('floatingIP', settings['floatingIP'] ?? 'false'),
    sshKeys: listOf(settings['sshKeys'] ?? ''),
    userData: settings['userData'],
    shutdownGraceMs: seconds * 1000,
    firewallRules: rulesOf(settings['firewallRules']),
    boot: settings,
  };
}

/** @throws InvalidRequest unless there is exactly one of image, imageID and iso */
export function bootSource(settings: HetznerSettings, node: NodeRequest): BootSource {
  const { imageID, iso, isoBaseImage = 'debian-13' } = settings.boot;
  const image = node.image ?? settings.boot['image'];
  const given = Object.entries({ image, imageID, iso }).filter(([, value]) => value !== undefined);
  if (given.length !== 1)
    throw new InvalidRequest(
      `server ${node.name}: exactly one of settings.image, imageID and iso must be there, found ${given.map(([key]) => key).join(' and ') || 'none'}`,
    );
  if (iso !== undefined) return { iso, baseImage: isoBaseImage };
  if (image !== undefined) return { image };
  const id = Number(imageID);
  if (!Number.isSafeInteger(id) || id <= 0)
    throw new InvalidRequest(`settings.imageID: ${JSON.stringify(imageID)} is no id of an image`);
  return { imageID: id };
}

/** Host names end there. @throws InvalidRequest */
export function serverName(name: string): string {
  if (name.length > 63)
    throw new InvalidRequest(`server name ${name}: ${name.length} characters, 63 are the most`);
  if (!/^[a-z0-9A-Z]([-a-z0-9A-Z.]*[a-z0-9A-Z])?$/.test(name))
    throw new InvalidRequest(`server name ${JSON.stringify(name)}: use letters, digits, - and .`);
  return name;
}

/** 10.0.1.0/24 of the default range, the first /24 of another; a /24 or smaller is used whole. @throws InvalidRequest */
export function subnetOf(range: string): string {
  const [address = '', bits = ''] = range.split('/');
  const size = Number(bits);
  const parts = address.split('.').map(Number);
  const isAddress =
    parts.length === 4 && parts.every((part) => Number.isInteger(part) && part >= 0 && part <= 255);
  if (!isAddress || !/^\d+$/.test(bits) || size < 8 || size > 29)
    throw new InvalidRequest(
      `settings.networkCIDR: ${JSON.stringify(range)} is no range such as 10.0.0.0/16`,
    );
  if (range === '10.0.0.0/16') return '10.0.1.0/24';
  return size >= 24 ? range : `${parts.slice(0, 3).join('.')}.0/24`;
}

/** Whether two lists have the same rules, in whatever order. */
export function sameRules(a: readonly FirewallRule[], b: readonly FirewallRule[]): boolean {
  const texts = (rules: readonly FirewallRule[]): string =>
    JSON.stringify(
      rules
        .map((rule) =>
          JSON.stringify([
            rule.direction,
            rule.protocol,
            rule.port ?? '',
            (rule.source_ips ?? []).toSorted(),
            (rule.destination_ips ?? []).toSorted(),
          ]),
        )
        .toSorted(),
    );
  return texts(a) === texts(b);
}

function listOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function flagOf(key: string, value: string): boolean {
  if (value === 'true' || value === 'false') return value === 'true';
  throw new InvalidRequest(`settings.${key}: ${JSON.stringify(value)} is not one of true, false`);
}

function rulesOf(text: string | undefined): readonly FirewallRule[] {
  if (text === undefined) return [];
  let rules: unknown;
  try {
    rules = JSON.parse(text);
  } catch {
    rules = undefined;
  }
  const isRule = (rule: unknown): boolean =>
    typeof rule === 'object' && rule !== null && 'direction' in rule && 'protocol' in rule;
  if (Array.isArray(rules) && rules.every(isRule)) return rules as readonly FirewallRule[];
  throw new InvalidRequest(
    'settings.firewallRules: give a JSON list of rules, as [{"direction": "in", "protocol": "tcp", "port": "6443", "source_ips": ["0.0.0.0/0"]}]',
  );
}

/** userData with what the node is handed in place of `${WINDLASS_…}`; what else is in braces is the script's own. */
export function filledIn(
  userData: string | undefined,
  environment: Readonly<Record<string, string>> = {},
): string | undefined {
  return userData?.replaceAll(/\$\{(WINDLASS_[A-Z_]+)\}/g, (found, name: string) =>
    Object.hasOwn(environment, name) ? (environment[name] ?? '') : found,
  );
}
