// The commands of the k0s program that are used, as words. Pure.
import type { Role } from '../../types.ts';
import { parseFlags } from './flags.ts';

export const K0S_BINARY = '/usr/local/bin/k0s';
export const K0S_CONFIGURATION = '/etc/k0s/k0s.yaml';
export const K0S_TOKEN = '/etc/k0s/windlass.token';

/** The unit that k0s itself installs. */
export function serviceName(role: Role): string {
  return role === 'worker' ? 'k0sworker' : 'k0scontroller';
}

/** `k0s status` says so: `controller+worker` is a controller with workloads. */
export function runningRole(role: string, hasWorkloads: boolean): string {
  return role === 'controller' && hasWorkloads ? 'controller+worker' : role;
}

export interface InstallOptions {
  readonly role: Role;
  readonly flags: readonly string[];
  readonly hasConfiguration: boolean;
  readonly hasToken: boolean;
}

/** Said by Windlass; another one beside it would win or lose by chance. */
const TOKEN_FLAG = '--token-file';
const CONFIGURATION_FLAGS = ['--config', '-c'];

/**
 * Flags that follow from the machine itself, before those that somebody asked for.
 *
 * @throws Error for quotes that do not end, and for flags that Windlass gives itself
 */
export function installFlags({ role, flags, hasConfiguration }: InstallOptions): readonly string[] {
  const own = [
    ...(role === 'controller+worker' ? ['--enable-worker=true'] : []),
    ...(hasConfiguration && role !== 'worker' ? [`--config=${K0S_CONFIGURATION}`] : []),
  ];
  const parsed = parseFlags(flags);
  if (parsed.has(TOKEN_FLAG))
    throw taken(TOKEN_FLAG, 'join tokens are made and handed over by Windlass');
  const file = CONFIGURATION_FLAGS.find((name) => parsed.has(name));
  if (file !== undefined && hasConfiguration)
    throw taken(file, 'the file is what spec.distributionOptions.configuration says');
  const asked = [...parsed].flatMap(([name, values]) => values.map((value) => `${name}=${value}`));
  return [...own, ...asked];
}

function taken(name: string, why: string): Error {
  return new Error(`spec.distributionOptions.flags: ${name}: leave it out: ${why}`);
}

export function installCommand(options: InstallOptions): readonly string[] {
  return [
    K0S_BINARY,
    'install',
    options.role === 'worker' ? 'worker' : 'controller',
    '--force',
    ...installFlags(options),
    ...(options.hasToken ? [`--token-file=${K0S_TOKEN}`] : []),
  ];
}

/** With the program that will read it: another version may know other fields and gates. */
export function validateCommand(
  binary: string,
  file: string,
  flags: readonly string[],
): readonly string[] {
  const gates = parseFlags(flags).get('--feature-gates') ?? [];
  return [
    binary,
    'config',
    'validate',
    `--config=${file}`,
    ...gates.map((gate) => `--feature-gates=${gate}`),
  ];
}

export function tokenCommand(role: Role): readonly string[] {
  const kind = role === 'worker' ? 'worker' : 'controller';
  // A controller takes longer to come up.
  return [
    K0S_BINARY,
    'token',
    'create',
    `--role=${kind}`,
    `--expiry=${kind === 'worker' ? '10m0s' : '30m0s'}`,
  ];
}

export const BACKUPS = '/var/backups/k0s';

/** On the host, for each version that was left. */
export function backupFolder(version: string): string {
  return `${BACKUPS}/${version.replace(/[^A-Za-z0-9.+-]/g, '_')}`;
}

/** What is in the backup says what configuration was there; ours, where there is one, counts. */
export function restoreCommand(path: string, hasConfiguration: boolean): readonly string[] {
  const file = hasConfiguration ? `${K0S_CONFIGURATION}.restored` : K0S_CONFIGURATION;
  return [K0S_BINARY, 'restore', path, `--config-out=${file}`];
}

/** Its file is named by k0s, with the time in it. */
export function backupCommand(folder: string): readonly string[] {
  return [K0S_BINARY, 'backup', `--save-path=${folder}`];
}
