// What `k0s status` says of a host.
import type { HostDriver } from '../../../hosts/host-driver.ts';
import { K0S_BINARY, runningRole } from './commands.ts';

export interface K0sStatus {
  readonly version: string;
  readonly role: string;
  /** Arguments of the process that runs, without the program and the word controller or worker. */
  readonly args: readonly string[];
}

/** Undefined when k0s does not run there. */
export async function readStatus(
  host: HostDriver,
  signal: AbortSignal,
): Promise<K0sStatus | undefined> {
  if ((await host.stat(K0S_BINARY, signal)) === undefined) return undefined;
  const { exitCode, stdout } = await host.exec([K0S_BINARY, 'status', '-o', 'json'], { signal });
  if (exitCode !== 0) return undefined;
  return parseStatus(stdout);
}

export function parseStatus(text: string): K0sStatus | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { Version, Role, Workloads, Args } = value as Readonly<Record<string, unknown>>;
  if (typeof Version !== 'string' || typeof Role !== 'string') return undefined;
  const args = Array.isArray(Args)
    ? Args.filter((arg): arg is string => typeof arg === 'string')
    : [];
  const start = args.findIndex((arg) => arg === 'controller' || arg === 'worker');
  return {
    version: Version,
    role: runningRole(Role, Workloads === true),
    args: args.slice(start + 1),
  };
}
