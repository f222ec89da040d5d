// From `spec.connection` to a driver: the one place that knows all of them.
import ssh2 from 'ssh2';
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { HostConnection, SecretKey, SshConnection as SshSettings } from './host-connection.ts';
import type { HostDriver } from './host-driver.ts';
import { HostCommandError } from './host-errors.ts';
import { LocalDirHost } from './local-dir/local-dir-host.ts';
import type { SimulatedFleet } from './sim/simulated-fleet.ts';
import { SimulatedHost } from './sim/simulated-host.ts';
import { howToPin, parsePinnedKeys } from './ssh/host-keys.ts';
import type { PinnedKeys } from './ssh/host-keys.ts';
import { SshConnection } from './ssh/ssh-connection.ts';
import { SshHost } from './ssh/ssh-host.ts';

/** Value of a key of a Secret of the Machine's namespace; undefined where the Secret or the key is missing. */
export type ReadSecret = (
  name: string,
  key: string,
  signal: AbortSignal,
) => Promise<string | undefined>;

export interface OpenHostOptions {
  /** Of the Machine; what a connection of type Sim leads to unless it names another. */
  readonly name: string;
  readonly secret: ReadSecret;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** Where connections of type Sim lead to; absent: they are refused. */
  readonly fleet?: SimulatedFleet;
}

/**
 * Opens a host. An SSH host is connected to when it is first asked something.
 *
 * @throws HostCommandError for settings that cannot work, a missing Secret, a key that is none; HostUnreachableError for a folder
 *   that is not there
 */
export async function openHost(
  connection: HostConnection,
  options: OpenHostOptions,
  signal: AbortSignal,
): Promise<HostDriver> {
  switch (connection.type) {
    case 'LocalDir': {
      const { localDir } = connection;
      if (localDir === undefined)
        throw new HostCommandError('connection.localDir: is required for type LocalDir');
      return LocalDirHost.open({ path: localDir.path, clock: options.clock, ids: options.ids });
    }
    case 'Sim': {
      if (options.fleet === undefined)
        throw new HostCommandError(
          'connection.type Sim: there are no simulated machines here; use LocalDir or SSH',
        );
      return new SimulatedHost(options.fleet.machine(connection.sim?.name ?? options.name));
    }
    case 'SSH': {
      const { ssh } = connection;
      if (ssh === undefined) throw new HostCommandError('connection.ssh: is required for type SSH');
      return openSsh(ssh, options, signal);
    }
    default:
      throw new HostCommandError(
        `connection.type ${JSON.stringify(connection.type)}: must be LocalDir, SSH or Sim`,
      );
  }
}

async function openSsh(
  ssh: SshSettings,
  { secret, clock, ids }: OpenHostOptions,
  signal: AbortSignal,
): Promise<SshHost> {
  const { address, port = 22, user = 'root', keySecretRef, sudo = false } = ssh;
  if (address === undefined || address === '')
    throw new HostCommandError('ssh.address: is required where no InfraProvider makes the host');
  if (keySecretRef === undefined)
    throw new HostCommandError('ssh.keySecretRef: is required: the Secret with the private key');
  const required = async (field: string, ref: SecretKey, key: string): Promise<string> => {
    const value = await secret(ref.name, ref.key ?? key, signal);
    if (value !== undefined) return value;
    throw new HostCommandError(
      `${field}: Secret ${ref.name} with key ${ref.key ?? key} is not there`,
    );
  };
  const pinned = await pinnedKeys(ssh, address, port, required);
  const privateKey = await required('ssh.keySecretRef', keySecretRef, 'ssh-privatekey');
  const passphrase = await secret(keySecretRef.name, 'passphrase', signal);
  const parsed = ssh2.utils.parseKey(privateKey, passphrase);
  if (parsed instanceof Error)
    throw new HostCommandError(
      `ssh.keySecretRef: key ${keySecretRef.key ?? 'ssh-privatekey'} of Secret ${keySecretRef.name} is no usable private key: ${parsed.message}`,
    );
  const sudoPassword =
    ssh.sudoPasswordSecretRef &&
    (await required('ssh.sudoPasswordSecretRef', ssh.sudoPasswordSecretRef, 'password')).replace(
      /\n$/,
      '',
    );
  if (sudoPassword?.includes('\n') === true)
    throw new HostCommandError('ssh.sudoPasswordSecretRef: the password has more than one line');
  return new SshHost({
    connection: new SshConnection({ address, port, user, privateKey, passphrase, pinned }, clock),
    clock,
    ids,
    sudo,
    sudoPassword,
  });
}

async function pinnedKeys(
  { hostKey, hostKeySecretRef }: SshSettings,
  address: string,
  port: number,
  required: (field: string, ref: SecretKey, key: string) => Promise<string>,
): Promise<PinnedKeys> {
  if (hostKey !== undefined && hostKey.trim() !== '')
    return parsePinnedKeys(hostKey, 'ssh.hostKey');
  if (hostKeySecretRef === undefined) throw new HostCommandError(howToPin(address, port));
  const text = await required('ssh.hostKeySecretRef', hostKeySecretRef, 'known-hosts');
  return parsePinnedKeys(text, 'ssh.hostKeySecretRef');
}
