// One server, from whichever location gives it.
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import { InvalidRequest } from '../errors.ts';
import { NameTaken } from '../infra-driver.ts';
import type { Labels } from '../label-scheme.ts';
import type { Action, HetznerClient, Thing } from './hetzner-client.ts';
import {
  AllLocationsFailed,
  hasCode,
  HetznerError,
  isPassing,
  retryDelayMs,
  withRetries,
} from './hetzner-error.ts';
import type { BootSource } from './hetzner-settings.ts';

export interface Server extends Thing {
  readonly status: string;
  readonly server_type?: { readonly name: string };
  readonly iso?: { readonly name: string } | null;
  readonly public_net?: { readonly ipv4?: { readonly ip: string } | null };
  readonly private_net?: readonly { readonly network: number; readonly ip: string }[];
}

export interface ServerSpec {
  readonly name: string;
  readonly labels: Labels;
  readonly serverType: string;
  readonly locations: readonly string[];
  readonly boot: BootSource;
  readonly network: number;
  readonly firewall: number | undefined;
  readonly placementGroup: number | undefined;
  readonly canDropPlacementGroup: boolean;
  readonly sshKeys: readonly string[];
  readonly userData: string | undefined;
}

interface Created {
  readonly server: Server;
  readonly action: Action;
  readonly next_actions?: readonly Action[];
}

const TRIES_PER_LOCATION = 3;
const STOCK_TRIES = 5;

/**
 * With an ISO the server is made stopped. Resolves when the API is done with it.
 *
 * @throws NameTaken; AllLocationsFailed; InvalidRequest without locations; CredentialsRefused
 */
export async function createServer(
  client: HetznerClient,
  spec: ServerSpec,
  clock: Clock,
  signal: AbortSignal,
): Promise<Server> {
  if (spec.locations.length === 0)
    throw new InvalidRequest(
      `server ${spec.name}: no locations: set settings.locations, as fsn1,nbg1`,
    );
  const failures = new Map<string, Error>();
  for (const location of spec.locations) {
    try {
      return await inLocation(client, spec, location, clock, signal);
    } catch (error) {
      signal.throwIfAborted();
      // No other location would take it either.
      if (!(error instanceof HetznerError)) throw error;
      failures.set(location, error);
    }
  }
  throw new AllLocationsFailed(spec.name, failures);
}

async function inLocation(
  client: HetznerClient,
  spec: ServerSpec,
  location: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<Server> {
  let { placementGroup } = spec;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const body = bodyOf(spec, location, placementGroup);
      const {
        server,
        action,
        next_actions = [],
      } = await client.askOnce<Created>('POST', '/servers', signal, body);
      await client.finished([action, ...next_actions], signal);
      return server;
    } catch (error) {
      signal.throwIfAborted();
      if (hasCode(error, 'uniqueness_error'))
        throw new NameTaken(
          `server ${spec.name} is there`,
          await labelsOf(client, spec.name, signal),
        );
      const isFull = hasCode(error, 'placement_error') && placementGroup !== undefined;
      if (isFull && spec.canDropPlacementGroup) {
        placementGroup = undefined;
        continue;
      }
      if (attempt >= TRIES_PER_LOCATION || !isPassing(error)) throw error;
      const asked = error instanceof HetznerError ? (error.retryAfterMs ?? 0) : 0;
      await sleep(clock, Math.max(asked, retryDelayMs(attempt)), signal);
    }
  }
}

async function labelsOf(
  client: HetznerClient,
  name: string,
  signal: AbortSignal,
): Promise<Labels | undefined> {
  return (await client.named<Server>('/servers', 'servers', name, signal))?.labels;
}

function bodyOf(spec: ServerSpec, location: string, placementGroup: number | undefined): object {
  const { boot, firewall, userData } = spec;
  const image = 'image' in boot ? boot.image : 'imageID' in boot ? boot.imageID : boot.baseImage;
  return {
    name: spec.name,
    server_type: spec.serverType,
    location,
    image,
    start_after_create: !('iso' in boot),
    labels: spec.labels,
    networks: [spec.network],
    ssh_keys: spec.sshKeys,
    ...(firewall === undefined ? {} : { firewalls: [{ firewall }] }),
    ...(placementGroup === undefined ? {} : { placement_group: placementGroup }),
    ...(userData === undefined ? {} : { user_data: userData }),
  };
}

interface Datacenter extends Thing {
  readonly location: { readonly name: string };
  readonly server_types: { readonly available: readonly number[] };
}

/**
 * Whether any of the locations says that it has servers of the type, asked several times.
 *
 * @param attempts below 1 counts as 1. @throws HetznerError resource_unavailable
 */
export async function checkStock(
  client: HetznerClient,
  { serverType, locations }: Pick<ServerSpec, 'serverType' | 'locations'>,
  clock: Clock,
  signal: AbortSignal,
  attempts = STOCK_TRIES,
): Promise<void> {
  await withRetries({ attempts, clock, signal }, async () => {
    const name = encodeURIComponent(serverType);
    const { server_types: types } = await client.askOnce<{
      readonly server_types: readonly Thing[];
    }>('GET', `/server_types?name=${name}`, signal);
    const type = types.find((one) => one.name === serverType);
    if (type === undefined)
      throw new HetznerError('not_found', `there is no server type ${serverType}`);
    const { datacenters } = await client.askOnce<{ readonly datacenters: readonly Datacenter[] }>(
      'GET',
      '/datacenters',
      signal,
    );
    const hasSome = datacenters.some(
      ({ location, server_types }) =>
        locations.includes(location.name) && server_types.available.includes(type.id),
    );
    if (!hasSome)
      throw new HetznerError(
        'resource_unavailable',
        `no location of ${locations.join(', ')} has servers of type ${serverType}`,
      );
  });
}
