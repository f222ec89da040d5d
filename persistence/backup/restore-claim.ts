// The claim that a restore writes: says of the log that it goes on from here alone, whatever replicas of its past may hold.
import { randomBytes } from 'node:crypto';
import { INTERNAL_KINDS } from '../log.ts';
import type { LogRecord } from '../provider.ts';

export const CLAIM_KIND = `${INTERNAL_KINDS}claims`;

export interface RestoreClaim {
  /** Of the newest claim that is restored; absent where there is none. */
  readonly cluster: string | undefined;
  readonly epoch: number;
  readonly revision: number;
  /** The newest revision of what is restored. */
  readonly previous: number;
  readonly host: string;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** Name of the instance that is restored into. */
  readonly instance: string;
}

export function claimRecord({ cluster, instance, ...claim }: RestoreClaim): LogRecord {
  const newId = (): string => randomBytes(16).toString('hex');
  const value = {
    ...claim,
    cluster: cluster ?? newId(),
    id: newId(),
    // Nobody's: no data directory is asked whether it knows this claim.
    machine: newId(),
    counter: 1,
    ack: 'primary',
    onSyncLoss: 'block',
    members: [instance],
  };
  return {
    revision: claim.revision,
    kind: CLAIM_KIND,
    key: String(claim.epoch).padStart(16, '0'),
    value: Buffer.from(JSON.stringify(value)),
  };
}
