// The steps of a machine as lines of a tree: steps, and below them the tasks that they are made of. Pure.
import type { Machine, MachineStatus, MachineStep } from '#controllers/machine/types.ts';
import { BACK_STEPS, FORWARD_STEPS } from '#controllers/machine/types.ts';

const MARKS: Readonly<Record<MachineStep['state'], string>> = {
  Pending: '·',
  Running: '…',
  Done: '✓',
  Failed: '✗',
  Cancelled: '-',
};
/** Of conditions that say no more than the step does. */
const STEP_REASONS: ReadonlySet<string> = new Set(['Pending', 'Running', 'Cancelled']);
const STEPS: ReadonlySet<string> = new Set([...FORWARD_STEPS, ...BACK_STEPS]);

/** The first line is the machine itself. */
export function machineTree({ metadata, status = {} }: Machine): readonly string[] {
  const { phase = 'Pending', runningVersion, activeSlot, steps = [] } = status;
  const facts = [
    phase,
    ...(runningVersion === undefined ? [] : [`runs ${runningVersion}`]),
    ...(activeSlot === undefined ? [] : [`slot ${activeSlot}`]),
  ];
  const why = whyNot(status);
  const machine = `machine/${metadata.name}  ${facts.join(', ')}`;
  return [why === '' ? machine : `${machine}: ${why}`, ...steps.map((step) => lineOf(step))];
}

/** What no step says: why there is none yet, or why it does not go on. */
function whyNot({ conditions = [], steps = [] }: MachineStatus): string {
  const conditionOf = (type: string) => conditions.find((condition) => condition.type === type);
  for (const type of ['InfrastructureReady', 'Reachable']) {
    const found = conditionOf(type);
    const isSaid = steps.some(({ message }) => message !== undefined && message === found?.message);
    if (found?.status === 'False' && !STEP_REASONS.has(found.reason) && !isSaid)
      return found.message;
  }
  return conditionOf('Ready')?.reason === 'Paused' ? 'paused' : '';
}

function lineOf({ name, state, attempt, startedAt, finishedAt, message }: MachineStep): string {
  const indent = STEPS.has(name) ? '  ' : '    ';
  const isOver = startedAt !== undefined && finishedAt !== undefined;
  const seconds = isOver ? (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000 : undefined;
  const details = [
    ...(seconds === undefined || seconds < 1 ? [] : [`${seconds} s`]),
    ...(attempt > 1 ? [`attempt ${attempt}`] : []),
    ...(message === undefined ? [] : [message]),
  ];
  return `${indent}${MARKS[state]} ${name}${details.length === 0 ? '' : `  ${details.join(', ')}`}`;
}

export type MachineEnd =
  | { readonly end: 'good' }
  | { readonly end: 'bad'; readonly why: string }
  /** It goes on. */
  | { readonly end: 'open' };

/** What has come of the spec that is there now. */
export function endOf({ metadata, status }: Machine): MachineEnd {
  if (status === undefined || (status.observedGeneration ?? 0) < (metadata.generation ?? 0))
    return { end: 'open' };
  if (status.run !== undefined) return { end: 'open' };
  const conditionOf = (type: string) =>
    status.conditions?.find((condition) => condition.type === type);
  const [upToDate, ready] = [conditionOf('UpToDate'), conditionOf('Ready')];
  if (upToDate?.reason === 'Quarantined') return { end: 'bad', why: upToDate.message };
  if (status.phase === 'Failed') return { end: 'bad', why: ready?.message ?? 'it failed' };
  const isGood =
    status.phase === 'Stopped' || (status.phase === 'Ready' && upToDate?.status === 'True');
  return isGood ? { end: 'good' } : { end: 'open' };
}
