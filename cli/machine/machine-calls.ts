// Machines of a server, for the commands that are about them.
import type { Machine } from '#controllers/machine/types.ts';
import type { Client } from '#controllers/machinery/client-types.ts';
import { isNotFound } from '#controllers/machinery/request-error.ts';
import { MACHINES } from '#controllers/machinery/resources.ts';
import { sleep } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';
import { manifestFiles, readManifests } from '../apply/manifest.ts';
import type { Manifest } from '../apply/manifest.ts';
import type { OptionTable } from '../options.ts';
import type { Progress } from '../progress.ts';
import { CommandError, UsageError } from '../usage-error.ts';
import { endOf, machineTree } from './machine-tree.ts';
import type { MachineEnd } from './machine-tree.ts';

export const machineOptions = {
  namespace: {
    type: 'string',
    short: 'n',
    placeholder: 'NAME',
    default: 'default',
    help: 'Namespace of machines that name none',
  },
} as const satisfies OptionTable;

export const machineFileOptions = {
  file: {
    type: 'list',
    short: 'f',
    placeholder: 'PATH',
    help: 'Manifest, or folder of manifests',
  },
  ...machineOptions,
} as const satisfies OptionTable;

const POLL_MS = 300;

/** Every manifest of the files. @throws UsageError without any; ManifestError */
export function manifestsOf(files: readonly string[], command: string): readonly Manifest[] {
  if (files.length === 0)
    throw new UsageError(`-f is missing: windlass machine ${command} -f PATH`);
  return files.flatMap((path) => manifestFiles(path).flatMap((file) => readManifests(file)));
}

export function isMachine({ object }: Manifest): boolean {
  return object.kind === 'Machine' && object.apiVersion.startsWith('windlass.dev/');
}

/** @throws CommandError when there is none */
export async function readMachine(
  client: Client,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<Machine> {
  try {
    return await client.get<Machine>(MACHINES, namespace, name, signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new CommandError(
      `there is no machine ${name} in namespace ${namespace}`,
      'kubectl get machines -A lists those that there are.',
    );
  }
}

/** Shows the tree as it changes, until something has come of the spec. Rejects with the signal's reason. */
export async function followMachine(
  client: Client,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  progress: Progress,
  clock: Clock,
  signal: AbortSignal,
): Promise<MachineEnd> {
  for (;;) {
    // One look after the other.
    const machine = await readMachine(client, namespace, name, signal);
    machineTree(machine).forEach((line, at) => progress.update(`${name} ${at}`, line));
    const end = endOf(machine);
    if (end.end !== 'open') return end;
    await sleep(clock, POLL_MS, signal);
  }
}
