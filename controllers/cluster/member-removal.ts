// Takes a machine that goes out of its cluster and clears its host: the node is emptied, the quorum left, nothing stays.
import { readDrainSettings } from '../machinery/drain-settings.ts';
import { HostOffError } from './member-driver.ts';
import type { Member, MemberDriver } from './member-driver.ts';
import type { MemberJournal } from './member-journal.ts';
import type { MemberOptions } from './member-options.ts';
import { DRAIN_ANNOTATION } from './types.ts';
import type { Machine } from './types.ts';

/** Where its provider has switched the host off, or removed it already, there is nothing to be undone on it. */
export async function takeFromHost(
  member: Member,
  journal: MemberJournal,
  { open, removeHost }: Pick<MemberOptions, 'open' | 'removeHost'>,
  signal: AbortSignal,
): Promise<void> {
  let opened: MemberDriver;
  try {
    opened = await open(member, signal);
  } catch (error) {
    const isGone = error instanceof HostOffError || isHostGone(error);
    if ((isGone && removeHost !== undefined) || !wasBegun(journal.machine)) return;
    throw error;
  }
  await using driver = opened;
  const situation = await driver.look(signal);
  if (situation.isInstalled && !isLastOne(member)) {
    if (situation.isRunning) {
      await driver.cordon(signal);
      const { annotations } = journal.machine.metadata;
      // What is removed goes in the end, whatever is on it.
      const settings = readDrainSettings(annotations?.[DRAIN_ANNOTATION]);
      const drain = (): Promise<void> => driver.drain({ ...settings, onTimeout: 'Force' }, signal);
      await journal.step('Drain', drain, signal);
    }
    await journal.step('Leave', () => driver.leave(signal), signal);
  }
  await journal.step('Stop', () => driver.stop(signal), signal);
  await journal.step('Reset', () => driver.reset(signal), signal);
}

/** Who was never reached has nothing of ours on it: how it was to be reached may have been wrong. */
export function wasTouched(machine: Machine): boolean {
  const { conditions = [] } = machine.status ?? {};
  return wasBegun(machine) || conditions.some(({ type }) => type === 'UpToDate');
}

/** More than being looked at, or something brought there that nobody uses yet. */
function wasBegun({ status = {} }: Machine): boolean {
  const { steps = [], goalHash, installedVersion, runningVersion } = status;
  const seen = [goalHash, installedVersion, runningVersion];
  return steps.length > 0 || seen.some((one) => one !== undefined);
}

/** Of a cluster that goes as a whole there is nobody to leave. */
function isLastOne({ cluster }: Member): boolean {
  return cluster.metadata.deletionTimestamp !== undefined;
}

/** None is made for a machine that goes. */
function isHostGone(error: unknown): boolean {
  return (
    error instanceof Error &&
    error.name === 'NoHostError' &&
    'reason' in error &&
    error.reason === 'Paused'
  );
}
