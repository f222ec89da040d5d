// `windlass machine preflight|start|stop|reboot|rollback|retry|reset|collect-logs NAME`: each makes a MachineOperation and shows it to its end.
import { writeFile } from 'node:fs/promises';
import { MACHINE_OPERATIONS } from '#controllers/machine-operation/types.ts';
import type { MachineOperation, OperationType } from '#controllers/machine-operation/types.ts';
import type { ApiObject, Client } from '#controllers/machinery/client-types.ts';
import { MACHINES, SECRETS } from '#controllers/machinery/resources.ts';
import { isNotFound } from '#controllers/machinery/request-error.ts';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { defineCommand } from '../command.ts';
import type { Command, CommandIO } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { confirm } from '../confirm.ts';
import type { CommandHelp } from '../help.ts';
import { withClient } from '../connect.ts';
import { CommandError } from '../usage-error.ts';
import { followOperation } from './follow-operation.ts';
import { operationOptions, operationSpec } from './operation-options.ts';
import { preflightTable } from './preflight-table.ts';
import type { PreflightReport } from './preflight-table.ts';

interface Run {
  readonly client: Client;
  readonly namespace: string;
  readonly name: string | undefined;
  readonly io: CommandIO;
  readonly signal: AbortSignal;
}

/** What a command does with an operation that has ended. */
type After = (ended: MachineOperation, run: Run) => Promise<void>;

export const machinePreflight = simple('Preflight', helpOf.machinePreflight, showPreflight);
export const machineStart = simple('Start', helpOf.machineStart);
export const machineStop = simple('Stop', helpOf.machineStop);
export const machineReboot = simple('Reboot', helpOf.machineReboot);
export const machineRollback = simple('Rollback', helpOf.machineRollback);
export const machineRetry = simple('Retry', helpOf.machineRetry);

export const machineReset = defineCommand({
  help: helpOf.machineReset,
  options: { ...operationOptions, yes: { type: 'boolean', short: 'y', help: 'Do not ask' } },
  moreWords: true,
  async run(values, words, io) {
    const spec = operationSpec('Reset', values, words);
    const signal = io.stopSignal();
    const what = words[0] ?? `all machines with ${values.selector ?? ''}`;
    const question = `Take everything off ${what}? What runs there is gone.`;
    await confirm({ question, action: 'Reset', isAgreed: values.yes }, io);
    return withClient(values, 'machine reset', (client) =>
      operate('Reset', spec, { client, namespace: values.namespace, name: words[0], io, signal }),
    );
  },
});

export const machineCollectLogs = defineCommand({
  help: helpOf.machineCollectLogs,
  options: {
    ...operationOptions,
    output: {
      type: 'string',
      short: 'o',
      placeholder: 'FILE',
      help: 'Where to write it (default: NAME-logs.tar.gz here; a file per machine with --selector)',
    },
  },
  moreWords: true,
  async run(values, words, io) {
    const spec = operationSpec('CollectLogs', values, words);
    if (values.output !== undefined && words.length === 0)
      throw new CommandError(
        '--output names one file, and --selector may mean several machines',
        'Leave out one of the two.',
      );
    const signal = io.stopSignal();
    return withClient(values, 'machine collect-logs', (client) =>
      operate(
        'CollectLogs',
        spec,
        { client, namespace: values.namespace, name: words[0], io, signal },
        (ended, run) => writeLogs(ended, run, values.output),
      ),
    );
  },
});

function simple(type: OperationType, help: CommandHelp, after?: After): Command {
  return defineCommand({
    help,
    options: operationOptions,
    moreWords: true,
    run(values, words, io) {
      const spec = operationSpec(type, values, words);
      const signal = io.stopSignal();
      return withClient(values, `machine ${type.toLowerCase()}`, (client) =>
        operate(
          type,
          spec,
          { client, namespace: values.namespace, name: words[0], io, signal },
          after,
        ),
      );
    },
  });
}

async function operate(
  type: OperationType,
  spec: object,
  run: Run,
  after?: After,
): Promise<number> {
  const { client, namespace, name, io, signal } = run;
  // A word that is wrong is told at once, not at the deadline.
  if (name !== undefined) await readMachine(run, name);
  const base = (name ?? 'machines').slice(0, 200);
  const made = await client.create<MachineOperation>(
    MACHINE_OPERATIONS,
    namespace,
    {
      apiVersion: 'windlass.dev/v1alpha1',
      kind: MACHINE_OPERATIONS.kind,
      metadata: { name: `${base}-${type.toLowerCase()}-${systemIds.suffix(5)}`, namespace },
      spec,
    },
    signal,
  );
  io.out(`machineoperation.windlass.dev/${made.metadata.name} created\n`);
  const ended = await followOperation(
    client,
    made,
    { clock: systemClock, show: io.out },
    signal,
  ).catch((error: unknown) => {
    if (signal.aborted)
      io.err(`it goes on: kubectl get mop ${made.metadata.name} -n ${namespace}\n`);
    throw error;
  });
  await after?.(ended, run);
  const { phase, message = '' } = ended.status ?? {};
  if (phase === 'Complete') return 0;
  throw new CommandError(`${type} failed: ${message}`);
}

async function readMachine(
  { client, namespace, signal }: Run,
  name: string,
): Promise<MachineWithReport> {
  try {
    return await client.get<MachineWithReport>(MACHINES, namespace, name, signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new CommandError(
      `there is no Machine ${name} in namespace ${namespace}`,
      'kubectl get machines -A lists those that there are.',
    );
  }
}

type MachineWithReport = ApiObject & { readonly status?: { readonly preflight?: PreflightReport } };

async function showPreflight(ended: MachineOperation, run: Run): Promise<void> {
  for (const { machine } of ended.status?.results ?? []) {
    const report = (await readMachine(run, machine)).status?.preflight;
    if (report !== undefined) run.io.out(preflightTable(machine, report));
  }
}

type LogSecret = ApiObject & { readonly data?: Readonly<Record<string, string>> };

async function writeLogs(
  ended: MachineOperation,
  run: Run,
  output: string | undefined,
): Promise<void> {
  const { client, namespace, io, signal } = run;
  for (const { machine, logs } of ended.status?.results ?? []) {
    if (logs === undefined) continue;
    const secret = await client.get<LogSecret>(SECRETS, namespace, logs.secretName, signal);
    const path = output ?? `${machine}-logs.tar.gz`;
    const bytes = Buffer.from(secret.data?.['logs.tar.gz'] ?? '', 'base64');
    await writeFile(path, bytes, { mode: 0o600 }).catch((error: unknown) => {
      throw new CommandError(
        `cannot write ${path}: ${(error as Error).message}`,
        `The logs stay in Secret ${logs.secretName} until the operation is deleted.`,
      );
    });
    io.out(`${path}: ${bytes.length} bytes; read it before you pass it on\n`);
  }
}
