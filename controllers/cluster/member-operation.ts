// What a MachineOperation asks of a machine that its distribution drives: answered at once, so that nobody waits for what is not done here.
import type { MemberJournal } from './member-journal.ts';
import { OPERATION_ANNOTATION } from './types.ts';

const NOT_HERE =
  'the distribution of its Cluster drives this machine: stop and start it by its spec.powerState, change it by the Cluster; there are Retry and CollectLogs';

/** Nothing is written where nothing is asked, or it was answered. */
export async function answerOperation(journal: MemberJournal, signal: AbortSignal): Promise<void> {
  const { metadata, status } = journal.machine;
  const asked = metadata.annotations?.[OPERATION_ANNOTATION] ?? '';
  const [, uid, type = ''] = /^(.+)\/(\w+)$/.exec(asked) ?? [];
  if (uid === undefined || status?.operation?.uid === uid) return;
  if (type !== 'Retry') {
    const message = `${type}: ${NOT_HERE}`;
    await journal.say({ operation: { uid, type, phase: 'Failed', message } }, signal);
    return;
  }
  await journal.say(
    {
      quarantined: [],
      operation: { uid, type, phase: 'Complete', message: 'it is tried again' },
      conditions: [
        ['Drained', 'False', 'WaitingForBudget', 'is to be tried again'],
        ['RolledBack', 'False', 'Retried', ''],
      ],
    },
    signal,
  );
}
