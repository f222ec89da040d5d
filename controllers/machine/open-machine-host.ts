// From the connection of a Machine to its host.
import type { HostDriver } from '../hosts/host-driver.ts';
import { HostCommandError } from '../hosts/host-errors.ts';
import { openHost } from '../hosts/open-host.ts';
import type { ReadSecret } from '../hosts/open-host.ts';
import type { ApiObject, Client } from '../machinery/client-types.ts';
import type { Manager } from '../machinery/manager.ts';
import { isNotFound } from '../machinery/request-error.ts';
import { SECRETS } from '../machinery/resources.ts';
import type { Machine } from './types.ts';

interface Secret extends ApiObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** @throws HostCommandError for a connection that cannot work as it is written; HostUnreachableError */
export function openMachineHost({
  client,
  clock,
  ids,
}: Pick<Manager, 'client' | 'clock' | 'ids'>): (
  machine: Machine,
  signal: AbortSignal,
) => Promise<HostDriver> {
  return async ({ metadata, spec }, signal) => {
    const { connection } = spec;
    if (connection === undefined)
      throw new HostCommandError(
        'spec.connection is not there, and nothing else says where the host is',
      );
    const secret = secretsOf(client, metadata.namespace ?? '');
    return openHost(connection, { name: metadata.name, secret, clock, ids }, signal);
  };
}

function secretsOf(client: Pick<Client, 'get'>, namespace: string): ReadSecret {
  return async (name, key, signal) => {
    try {
      const { data = {} } = await client.get<Secret>(SECRETS, namespace, name, signal);
      const value = data[key];
      return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };
}
