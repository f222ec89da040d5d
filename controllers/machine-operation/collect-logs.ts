// Brings the last words of a machine together: what its services and its kernel said, how its disks are, what we know of it. Bounded,
// without what looks like a secret, in one archive, kept in a Secret that goes with the operation: logs are nobody's business either.
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { HostConnection } from '../hosts/host-connection.ts';
import type { HostDriver } from '../hosts/host-driver.ts';
import { openHost } from '../hosts/open-host.ts';
import type { OpenHostOptions } from '../hosts/open-host.ts';
import { retry } from '../hosts/retry.ts';
import type { ProvidedHosts } from '../infra-provider/provided-host.ts';
import type { Client } from '../machinery/client-types.ts';
import { isAlreadyExists, isNotFound } from '../machinery/request-error.ts';
import { SECRETS } from '../machinery/resources.ts';
import { archive } from './archive.ts';
import type { LogFile } from './archive.ts';
import { readLogs } from './read-logs.ts';
import { redact } from './redact.ts';
import { MACHINE_OPERATIONS } from './types.ts';
import type { MachineOperation, OperationResult, TargetMachine } from './types.ts';

export interface CollectOptions {
  readonly client: Pick<Client, 'get' | 'create'>;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly fleet: OpenHostOptions['fleet'] | undefined;
  /** Of machines whose hosts a provider makes. */
  readonly hosts: Pick<ProvidedHosts, 'ensure'>;
  readonly operation: MachineOperation;
  readonly machines: readonly TargetMachine[];
  readonly signal: AbortSignal;
}

/** A machine that does not answer for so long has no logs for us. */
const PATIENCE_MS = 30_000;
const LONGEST_NAME = 253;

/** Never fails but for the server: a machine that cannot be reached is a result too. */
export async function collectLogs(name: string, options: CollectOptions): Promise<OperationResult> {
  const machine = options.machines.find(({ metadata }) => metadata.name === name);
  if (machine === undefined) return failed(name, 'the Machine is gone');
  let files: readonly LogFile[];
  try {
    const connection = await connectionOf(machine, options);
    if (connection === 'off') return failed(name, 'its host is off');
    if (connection === undefined)
      return failed(name, 'spec.connection: is not set, so there is no way to the machine');
    await using host = await openHost(
      connection,
      {
        name,
        secret: secretReader(options),
        clock: options.clock,
        ids: options.ids,
        ...(options.fleet === undefined ? {} : { fleet: options.fleet }),
      },
      options.signal,
    );
    files = await filesOf(host, machine, options);
  } catch (error) {
    options.signal.throwIfAborted();
    return failed(name, redact(error instanceof Error ? error.message : String(error)));
  }
  const bytes = await archive(
    `${options.operation.metadata.name}-${name}`,
    files,
    Math.floor(options.clock.now() / 1000) * 1000,
  );
  const secretName = await keep(name, bytes, options);
  return {
    machine: name,
    phase: 'Complete',
    message: `${files.length} files in Secret ${secretName}`,
    logs: { secretName, bytes: bytes.length },
  };
}

/** Nothing is made or switched on for the sake of logs. */
function connectionOf(
  { metadata, spec = {} }: TargetMachine,
  { hosts, signal }: CollectOptions,
): Promise<HostConnection | 'off' | undefined> {
  const { providerRef, connection, role = 'worker' } = spec;
  if (providerRef === undefined) return Promise.resolve(connection);
  const wishes = { mayCreate: false, mayStart: false };
  return hosts.ensure({ metadata, providerRef, connection, role }, wishes, signal);
}

async function filesOf(
  host: HostDriver,
  machine: TargetMachine,
  { clock, signal }: CollectOptions,
): Promise<readonly LogFile[]> {
  const facts = await retry((ending) => host.facts(ending), {
    signal,
    clock,
    timeoutMs: PATIENCE_MS,
  });
  const ours: readonly LogFile[] = [
    { name: 'facts.json', text: `${JSON.stringify(facts, undefined, 2)}\n` },
    {
      name: 'machine.json',
      text: `${JSON.stringify({ ...machine, metadata: { ...machine.metadata, managedFields: undefined } }, undefined, 2)}\n`,
    },
  ];
  const found = [...ours, ...(await readLogs(host, signal))];
  return found.map(({ name, text }) => ({ name, text: redact(text) }));
}

function secretReader({ client, operation }: CollectOptions): OpenHostOptions['secret'] {
  return async (name, key, signal) => {
    try {
      const secret = await client.get<SecretObject>(
        SECRETS,
        operation.metadata.namespace ?? '',
        name,
        signal,
      );
      const value = secret.data?.[key];
      return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };
}

type SecretObject = MachineOperation & { readonly data?: Readonly<Record<string, string>> };

async function keep(
  machine: string,
  bytes: Buffer,
  { client, operation, signal }: CollectOptions,
): Promise<string> {
  const { namespace = '', uid, name: operationName } = operation.metadata;
  const wanted = `${operationName}-${machine}-logs`;
  const name =
    wanted.length <= LONGEST_NAME
      ? wanted
      : `${uid}-${machine}`.slice(0, LONGEST_NAME).replace(/[^a-z0-9]+$/, '');
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'windlass.dev/logs',
    immutable: true,
    metadata: {
      name,
      namespace,
      labels: { 'windlass.dev/operation': uid },
      ownerReferences: [
        {
          apiVersion: 'windlass.dev/v1alpha1',
          kind: MACHINE_OPERATIONS.kind,
          name: operationName,
          uid,
        },
      ],
    },
    data: { 'logs.tar.gz': bytes.toString('base64') },
  };
  try {
    await client.create(SECRETS, namespace, secret, signal);
  } catch (error) {
    // Collected by a look that ended before it could say so.
    if (!isAlreadyExists(error)) throw error;
  }
  return name;
}

function failed(machine: string, message: string): OperationResult {
  return { machine, phase: 'Failed', message };
}
