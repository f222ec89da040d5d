// Writes the status of an operation when it says something new, and an event when it ended.
import { isDeepStrictEqual } from 'node:util';
import type { Client } from '../machinery/client-types.ts';
import type { EventRecorder } from '../machinery/events.ts';
import { isConflict, isNotFound } from '../machinery/request-error.ts';
import { isFinished, MACHINE_OPERATIONS } from './types.ts';
import type { MachineOperation, OperationStatus } from './types.ts';

/** The operation as it is now; undefined when it changed meanwhile, and a new look is needed. */
export async function writeStatus(
  client: Pick<Client, 'patch'>,
  events: Pick<EventRecorder, 'record'>,
  operation: MachineOperation,
  status: OperationStatus,
  signal: AbortSignal,
): Promise<MachineOperation | undefined> {
  if (isDeepStrictEqual(operation.status ?? {}, status)) return operation;
  const { namespace = '', name, resourceVersion } = operation.metadata;
  const patch = { metadata: { resourceVersion }, status };
  try {
    const written = await client.patch<MachineOperation>(
      MACHINE_OPERATIONS,
      namespace,
      name,
      'status',
      'merge',
      patch,
      signal,
    );
    if (isFinished({ status })) tell(events, operation, status);
    return written;
  } catch (error) {
    if (isConflict(error) || isNotFound(error)) return undefined;
    throw error;
  }
}

function tell(
  events: Pick<EventRecorder, 'record'>,
  operation: MachineOperation,
  { phase, message = '' }: OperationStatus,
): void {
  const type = phase === 'Failed' ? 'Warning' : 'Normal';
  events.record(
    MACHINE_OPERATIONS,
    operation,
    type,
    phase ?? '',
    `${operation.spec.type}: ${message}`,
  );
}
