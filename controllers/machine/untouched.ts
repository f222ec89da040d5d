// Whether anything of a machine can be on its host, by what was written of it before it was done. Pure.
import type { MachineStatus } from './types.ts';

/** Nothing is put on a host before Resolve has said what, and that stays on record. */
export function isUntouched({ goalHash, activeSlot, lastGood }: MachineStatus = {}): boolean {
  return [goalHash, activeSlot, lastGood].every((seen) => seen === undefined);
}
