// From the connection of a Machine to its host.
import type { HostConnection } from '../hosts/host-connection.ts';
import type { HostDriver } from '../hosts/host-driver.ts';
import { HostCommandError } from '../hosts/host-errors.ts';
import { openHost } from '../hosts/open-host.ts';
import type { ReadSecret } from '../hosts/open-host.ts';
import type {
  HostWishes,
  ProvidedHosts,
  ProvidedMachine,
} from '../infra-provider/provided-host.ts';
import type { Client } from '../machinery/client-types.ts';
import type { Manager } from '../machinery/manager.ts';
import { askedOperation } from './machine-operations.ts';
import { secretData } from './secret-data.ts';
import type { Machine } from './types.ts';

/** `off`: its provider has it, and it does not run, as it shall be. */
export type OpenMachineHost = (
  machine: Machine,
  signal: AbortSignal,
) => Promise<HostDriver | 'off'>;

export interface ReachedHost {
  readonly host: HostDriver;
  /** How: with the address that a provider gave. */
  readonly connection: HostConnection;
}

/** @throws HostCommandError for a connection that cannot work as it is written; HostUnreachableError; NoHostError */
export function openMachineHost(
  manager: Pick<Manager, 'client' | 'clock' | 'ids'>,
  hosts: Pick<ProvidedHosts, 'ensure'>,
): OpenMachineHost {
  return async (machine, signal) => {
    const reached = await reachMachine(manager, hosts, machine, signal);
    return reached === 'off' ? 'off' : reached.host;
  };
}

/** @throws as openMachineHost */
export async function reachMachine(
  { client, clock, ids }: Pick<Manager, 'client' | 'clock' | 'ids'>,
  hosts: Pick<ProvidedHosts, 'ensure'>,
  machine: Machine,
  signal: AbortSignal,
): Promise<ReachedHost | 'off'> {
  const { metadata, spec } = machine;
  const provided = providedMachine(machine);
  const connection =
    provided === undefined
      ? spec.connection
      : await hosts.ensure(provided, wishesOf(machine), signal);
  if (connection === 'off') return 'off';
  if (connection === undefined)
    throw new HostCommandError(
      `Machine ${metadata.name}: spec.connection is not there, and neither is a spec.providerRef that makes a host`,
    );
  const secret = secretsOf(client, metadata.namespace ?? '');
  const host = await openHost(connection, { name: metadata.name, secret, clock, ids }, signal);
  return { host, connection };
}

/** Undefined for one whose host nobody makes. */
export function providedMachine({ metadata, spec }: Machine): ProvidedMachine | undefined {
  const { providerRef, connection, role = 'worker' } = spec;
  return providerRef && { metadata, providerRef, connection, role };
}

function wishesOf(machine: Machine): HostWishes {
  const { metadata, spec, status } = machine;
  const isHeld = status?.isHeldStopped === true && askedOperation(machine) === undefined;
  return {
    mayCreate: spec.paused !== true && metadata.deletionTimestamp === undefined,
    mayStart: spec.powerState !== 'Stopped' && !isHeld,
  };
}

function secretsOf(client: Pick<Client, 'get'>, namespace: string): ReadSecret {
  return async (name, key, signal) => (await secretData(client, namespace, name, signal))?.[key];
}
