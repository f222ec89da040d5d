// What ran when a cluster was stopped, so that exactly that is started again. Pure.
import type { ObservedMachine } from './observed.ts';
import type { ClusterStatus, PowerState } from './types.ts';

type Snapshot = NonNullable<ClusterStatus['powerSnapshot']>;

/**
 * Taken once, when the cluster is told to stop, and never empty; kept until everything in it was seen to run again.
 *
 * @param now as RFC 3339
 */
export function powerSnapshot(
  before: Snapshot | undefined,
  powerState: PowerState,
  observed: readonly ObservedMachine[],
  now: string,
): Snapshot | undefined {
  if (powerState === 'Stopped') {
    if (before !== undefined) return before;
    const machines = observed
      .filter((machine) => machine.powerState === 'Running' && !machine.isDeleting)
      .map(({ name }) => name)
      .toSorted();
    return machines.length === 0 ? undefined : { takenAt: now, machines };
  }
  const isBack = (name: string): boolean => {
    const machine = observed.find((one) => one.name === name);
    // One that was removed meanwhile cannot come back.
    return machine === undefined || (machine.powerState === 'Running' && machine.isServing);
  };
  return before?.machines.every(isBack) === true ? undefined : before;
}
