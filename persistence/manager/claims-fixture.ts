// For tests: claims of which only what matters is said.
import type { Claim } from './claim.ts';

export function claimOf(parts: Partial<Claim> & Pick<Claim, 'id' | 'epoch'>): Claim {
  return {
    cluster: 'cluster',
    machine: 'a'.repeat(32),
    counter: parts.epoch,
    host: 'host-a',
    at: 0,
    revision: 1,
    previous: 0,
    ack: 'primary',
    onSyncLoss: 'block',
    members: ['a', 'b'],
    ...parts,
  };
}
