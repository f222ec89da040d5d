// What the instance of a URL is called, and where it lies; nothing is opened.
import { randomBytes } from 'node:crypto';
import type { Clock } from '#platform/clock.ts';
import { parseMachineId } from '../machine-id.ts';
import type { MachineId } from '../machine-id.ts';
import { describeInstance } from '../open.ts';

/** @throws PersistenceUrlError */
export function describePlace(
  url: string,
  clock: Clock,
): Promise<{ readonly name: string; readonly location: string }> {
  // Nobody's: nothing is claimed in its name.
  const machineId = parseMachineId(randomBytes(16).toString('hex')) as MachineId;
  return describeInstance(url, { machineId, clock });
}
