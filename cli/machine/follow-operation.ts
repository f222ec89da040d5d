// Shows an operation to its end: a line whenever something is new about a machine.
import { MACHINE_OPERATIONS } from '#controllers/machine-operation/types.ts';
import type { MachineOperation, OperationStatus } from '#controllers/machine-operation/types.ts';
import type { Client } from '#controllers/machinery/client-types.ts';
import { isNotFound } from '#controllers/machinery/request-error.ts';
import { sleep } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';
import { CommandError } from '../usage-error.ts';

const POLL_MS = 300;

/** @returns the operation as it ended. @throws CommandError when it was deleted meanwhile */
export async function followOperation(
  client: Pick<Client, 'get'>,
  operation: MachineOperation,
  { clock, show }: { readonly clock: Clock; readonly show: (line: string) => void },
  signal: AbortSignal,
): Promise<MachineOperation> {
  const { namespace = '', name } = operation.metadata;
  const shown = new Map<string, string>();
  for (let found = operation; ;) {
    for (const [machine, line] of linesOf(found.status)) {
      if (shown.get(machine) === line) continue;
      shown.set(machine, line);
      show(line);
    }
    if (found.status?.phase === 'Complete' || found.status?.phase === 'Failed') return found;
    await sleep(clock, POLL_MS, signal);
    found = await client
      .get<MachineOperation>(MACHINE_OPERATIONS, namespace, name, signal)
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
        throw new CommandError(`machineoperation.windlass.dev/${name} was deleted before it ended`);
      });
  }
}

function linesOf(status: OperationStatus = {}): readonly (readonly [string, string])[] {
  return (status.results ?? []).map(({ machine, phase, message = '' }) => [
    machine,
    `  ${machine}  ${phase}${message === '' ? '' : `  ${message}`}\n`,
  ]);
}
