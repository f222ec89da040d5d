// Why a replica is not made to follow.
import { EpochLostError } from '../errors.ts';

/** Somebody else goes on with the data. An epoch that was lost without that is only taken again. */
export class TakenOverError extends Error {
  override readonly name = 'TakenOverError';
  override readonly cause: EpochLostError;

  constructor(instance: string, held: number, found: number) {
    super('Another control plane has taken over');
    this.cause = new EpochLostError(instance, held, found);
  }
}

/** It holds what may not be overwritten without being asked; the message says what to do. */
export class LeftAloneError extends Error {
  override readonly name = 'LeftAloneError';
}

export function foreignData(name: string): LeftAloneError {
  return new LeftAloneError(
    `${name} holds data that is not known to be of this cluster; give this instance an empty place, or make it anew with: windlass persistence resync ${name}`,
  );
}
