// What is to be said beside each machine of a cluster, as `windlass cluster status` says it. Pure.
import { stepDetails } from './machine.ts';
import type { Cluster, Machine } from './machine.ts';
import { currentStep } from './step-tree.ts';

/** The step that is under way, or else why it failed, or else what it waits for. */
export function clusterNotes({ status }: Cluster): (machine: Machine) => string {
  const failed = new Map(
    (status?.rollout?.failed ?? []).map(({ machine, reason, message = '' }) => [
      machine,
      `${reason}: ${message}`,
    ]),
  );
  const waits = new Map(
    (status?.plan ?? []).map(({ machine, action, reason = '' }) => [
      machine,
      reason === '' ? action : `${action}: ${reason}`,
    ]),
  );
  return ({ metadata, status: own }) => {
    if (metadata.deletionTimestamp !== undefined) return 'is taken away';
    const step = currentStep(own?.steps ?? []);
    const isUnderWay = step?.state === 'Running';
    if (step !== undefined && isUnderWay)
      return [step.name, stepDetails(step)].filter(Boolean).join(', ');
    return failed.get(metadata.name) ?? waits.get(metadata.name) ?? '';
  };
}
