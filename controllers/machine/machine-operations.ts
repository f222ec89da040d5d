// What a MachineOperation asks of a machine, by an annotation, and the answer in its status.
import type { Clock } from '#platform/clock.ts';
import type { HostDriver } from '../hosts/host-driver.ts';
import type { HostWork } from './host-work.ts';
import { idleSlot } from './host-work.ts';
import { specHash } from './machine-goal.ts';
import { timestamp } from '../machinery/timestamps.ts';
import { startSlot, stopSlot } from './run-slot.ts';
import { beginReturn, quarantine, without } from './run-state.ts';
import { OPERATION_ANNOTATION } from './types.ts';
import type { Machine, MachineOperationStatus, MachineStatus } from './types.ts';

export interface AskedOperation {
  readonly uid: string;
  readonly type: string;
}

export interface OperationContext {
  readonly machine: Machine;
  readonly host: HostDriver;
  readonly work: Pick<HostWork, 'names' | 'preflight' | 'removeAll' | 'verify'>;
  readonly clock: Clock;
  /** How long a machine that was started again may take to be ready. */
  readonly verifyTimeoutMs: number;
}

const LOG_LINES = 200;
const LOG_BYTES = 16_000;

/** What is asked and not answered yet. */
export function askedOperation({ metadata, status }: Machine): AskedOperation | undefined {
  const match = /^([\w-]+)\/(\w+)$/.exec(metadata.annotations?.[OPERATION_ANNOTATION] ?? '');
  const [, uid, type] = match ?? [];
  if (uid === undefined || type === undefined) return undefined;
  const known = status?.operation;
  const isAnswered = known?.uid === uid && (known.phase === 'Complete' || known.phase === 'Failed');
  return isAnswered ? undefined : { uid, type };
}

/** Does it, and gives the status with the answer. What it does may be done again after a crash. */
export async function performOperation(
  { uid, type }: AskedOperation,
  status: MachineStatus,
  context: OperationContext,
  signal: AbortSignal,
): Promise<MachineStatus> {
  const answer = (
    phase: MachineOperationStatus['phase'],
    message: string,
  ): MachineOperationStatus => ({
    uid,
    type,
    phase,
    message: message.slice(-LOG_BYTES),
  });
  try {
    const begun = status.operation?.uid === uid ? status.operation.message : undefined;
    const performed =
      begun === undefined
        ? await perform(type, status, context, signal)
        : await awaited(type, begun, status, context, signal);
    return {
      ...performed.status,
      operation: answer(performed.phase ?? 'Complete', performed.message),
    };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const message = error instanceof Error ? error.message : String(error);
    return { ...status, operation: answer('Failed', message) };
  }
}

interface Performed {
  readonly status: MachineStatus;
  readonly message: string;
  /** Complete, unless something else is said: it goes on, or it was done and what came of it is bad news. */
  readonly phase?: 'InProgress' | 'Failed';
}

const RETURNS = 'goes back to slot ';
const RESTARTED = 'restarted at ';

/** What was begun, and is not over with that. @param begun what was said of it then */
async function awaited(
  type: string,
  begun: string,
  status: MachineStatus,
  { work, clock, verifyTimeoutMs }: OperationContext,
  signal: AbortSignal,
): Promise<Performed> {
  const { activeSlot, run } = status;
  if (run !== undefined || activeSlot === undefined)
    return { status, message: begun, phase: 'InProgress' };
  if (type === 'Rollback') {
    const isThere = begun === `${RETURNS}${activeSlot}`;
    return isThere
      ? { status, message: `slot ${activeSlot} runs again` }
      : { status, message: `slot ${activeSlot} runs: see steps`, phase: 'Failed' };
  }
  const since = Date.parse(begun.slice(RESTARTED.length));
  const verified = await work.verify(activeSlot, { beganAt: since, endedAt: since }, signal);
  if (verified === 'done') return { status, message: 'restarted, and ready' };
  // A start that nobody can read was long ago.
  return clock.now() - since <= verifyTimeoutMs
    ? { status, message: begun, phase: 'InProgress' }
    : { status, message: `${begun}, and not ready: ${verified.pending}`, phase: 'Failed' };
}

async function perform(
  type: string,
  status: MachineStatus,
  { machine, host, work, clock }: OperationContext,
  signal: AbortSignal,
): Promise<Performed> {
  const { activeSlot, run } = status;
  switch (type) {
    case 'Preflight': {
      const report = await work.preflight(idleSlot(activeSlot), signal);
      return {
        status: { ...status, preflight: report },
        message: report.summary,
        ...(report.status === 'failed' ? { phase: 'Failed' } : {}),
      };
    }
    case 'Start':
      refuseWhile(run !== undefined, type);
      if (activeSlot === undefined) throw new Error('nothing is installed yet');
      await startSlot(host, work.names(activeSlot), clock, signal);
      return { status: without(status, 'isHeldStopped'), message: 'started' };
    case 'Stop':
      refuseWhile(run !== undefined, type);
      if (activeSlot !== undefined) await stopSlot(host, work.names(activeSlot), signal);
      return { status: { ...status, isHeldStopped: true }, message: 'stopped' };
    case 'Reboot': {
      refuseWhile(run !== undefined, type);
      if (activeSlot === undefined) throw new Error('nothing is installed yet');
      await stopSlot(host, work.names(activeSlot), signal);
      const since = timestamp(clock.now());
      await startSlot(host, work.names(activeSlot), clock, signal);
      return {
        status: without(status, 'isHeldStopped'),
        message: `${RESTARTED}${since}`,
        phase: 'InProgress',
      };
    }
    case 'Rollback': {
      refuseWhile(run !== undefined, type);
      const { previous, lastGood } = status;
      if (previous === undefined) throw new Error('there is no earlier slot to go back to');
      // The spec still asks for what runs now: without the verdict it would be built again at once.
      const condemned = quarantine(status, lastGood?.goalHash);
      return {
        status: beginReturn(condemned, specHash(machine.spec)),
        message: `${RETURNS}${previous.slot}`,
        phase: 'InProgress',
      };
    }
    case 'Retry': {
      const freed = without(without(status, 'quarantined'), 'specHash');
      const steps = (status.steps ?? []).map((step) =>
        step.state === 'Failed'
          ? { ...step, attempt: 0, finishedAt: '1970-01-01T00:00:00Z' }
          : step,
      );
      return { status: { ...freed, steps }, message: 'it is tried again' };
    }
    case 'Reset': {
      await work.removeAll(signal);
      const { operation, conditions, observedGeneration, facts } = status;
      const kept = { operation, conditions, observedGeneration, facts };
      const clean = Object.fromEntries(
        Object.entries(kept).filter(([, value]) => value !== undefined),
      ) as MachineStatus;
      return { status: clean, message: 'everything of it was removed; it is installed anew' };
    }
    case 'CollectLogs':
      return { status, message: await logsOf(host, work.names(activeSlot ?? 'a').unit, signal) };
    default:
      throw new Error(
        `operation ${JSON.stringify(type)}: there are Preflight, Start, Stop, Reboot, Rollback, Retry, Reset and CollectLogs`,
      );
  }
}

function refuseWhile(isBusy: boolean, type: string): void {
  if (isBusy) throw new Error(`${type}: an upgrade is on its way; ask again when it has ended`);
}

async function logsOf(host: HostDriver, unit: string, signal: AbortSignal): Promise<string> {
  const command = ['journalctl', '--no-pager', '--lines', String(LOG_LINES), '--unit', unit];
  const { exitCode, stdout } = await host.exec(command, { signal });
  if (exitCode === 0) return stdout;
  // A folder that stands for a host has files instead of a journal.
  const bytes = await host.readFile(`/var/log/windlass-services/${unit}.log`, signal);
  if (bytes === undefined) throw new Error(`there are no logs of ${unit}`);
  return new TextDecoder().decode(bytes).split('\n').slice(-LOG_LINES).join('\n');
}
