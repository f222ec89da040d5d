// The steps of a machine as lines of a tree: steps, and below them the tasks that they are made of. Pure.
import type { Machine, MachineStep } from '#controllers/machine/types.ts';
import { BACK_STEPS, FORWARD_STEPS } from '#controllers/machine/types.ts';

const MARKS: Readonly<Record<MachineStep['state'], string>> = {
  Pending: '·',
  Running: '…',
  Done: '✓',
  Failed: '✗',
  Cancelled: '-',
};
const STEPS: ReadonlySet<string> = new Set([...FORWARD_STEPS, ...BACK_STEPS]);

/** The first line is the machine itself. */
export function machineTree({ metadata, status = {} }: Machine): readonly string[] {
  const { phase = 'Pending', runningVersion, activeSlot, steps = [] } = status;
  const facts = [
    phase,
    ...(runningVersion === undefined ? [] : [`runs ${runningVersion}`]),
    ...(activeSlot === undefined ? [] : [`slot ${activeSlot}`]),
  ];
  return [`machine/${metadata.name}  ${facts.join(', ')}`, ...steps.map((step) => lineOf(step))];
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
