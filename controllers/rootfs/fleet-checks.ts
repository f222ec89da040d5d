// Checks that only make sense of several machines together: names that differ, clocks that do not. Pure.
import { failure, ok } from './preflight.ts';
import type { CheckResult } from './preflight.ts';

export interface FleetMember {
  readonly machine: string;
  readonly hostname: string;
  /** Of its host; empty where it has none. */
  readonly machineId: string;
  /** Its host's clock less ours, milliseconds. */
  readonly clockOffsetMillis: number;
}

const MOST_SKEW_MILLIS = 30_000;

/** Against the median of all: one wrong clock does not make the others wrong. */
export function checkClockSkew(
  own: FleetMember,
  others: readonly FleetMember[],
): Omit<CheckResult, 'name'> {
  const offsets = [own, ...others].map((each) => each.clockOffsetMillis).toSorted((a, b) => a - b);
  const median = offsets[Math.floor((offsets.length - 1) / 2)] ?? 0;
  const skew = Math.abs(own.clockOffsetMillis - median);
  const shown = `${(skew / 1000).toFixed(1)} s from the median of ${offsets.length}`;
  return skew > MOST_SKEW_MILLIS
    ? failure(
        'clock',
        `clock skew exceeds the maximum of ${MOST_SKEW_MILLIS / 1000} s: it is ${shown}`,
      )
    : ok('clock', shown);
}

/** In any case of letters: names of nodes have small ones only. */
export function checkHostname(
  own: FleetMember,
  others: readonly FleetMember[],
): Omit<CheckResult, 'name'> {
  const name = own.hostname.toLowerCase();
  const twin = others.find(({ hostname }) => hostname.toLowerCase() === name);
  return twin === undefined
    ? ok(own.hostname, 'no other machine has this host name')
    : failure(own.hostname, `machine ${twin.machine} has the same host name`);
}

export function checkMachineId(
  own: FleetMember,
  others: readonly FleetMember[],
): Omit<CheckResult, 'name'> {
  const twin = others.find(({ machineId }) => machineId !== '' && machineId === own.machineId);
  return twin === undefined
    ? ok('/etc/machine-id', 'no other machine has this id')
    : failure('/etc/machine-id', `machine ${twin.machine} has the same id; was the host copied?`);
}
