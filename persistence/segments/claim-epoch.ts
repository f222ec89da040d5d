// Taking the next epoch: one small blob per number, which exactly one of all who try creates. It decides who may write next, not
// who has written last: that is what the fence in the log is for.
import { StorageFailedError } from '../errors.ts';
import type { BlobStore } from './blob-store.ts';
import { EPOCHS, epochName, numberIn } from './blob-names.ts';
import { newestEpoch } from './load-log.ts';

const RACES = 100;
/** Claims kept for whoever wants to know who was here. */
const KEPT = 64;

export interface Claim {
  readonly atLeast: number;
  readonly machine: string;
  /** Random, of this opening. */
  readonly writer: string;
}

/** @returns the epoch that is ours, above all that were claimed before */
export async function claimEpoch(
  store: BlobStore,
  { atLeast, machine, writer }: Claim,
): Promise<number> {
  for (let race = 0; race < RACES; race += 1) {
    const epoch = Math.max((await newestEpoch(store)) + 1, atLeast);
    const body = Buffer.from(`${JSON.stringify({ epoch, machine, writer })}\n`);
    const name = epochName(epoch);
    if ((await store.putIfAbsent(name, body)) === 'created') return epoch;
    // The answer to our own may have got lost.
    const found = await store.get(name);
    if (found !== undefined && body.equals(found.body)) return epoch;
  }
  throw new StorageFailedError(
    `Cannot claim ${store.location}: others were faster ${RACES} times; stop the other control planes`,
  );
}

/** Forgets claims of long ago. */
export async function forgetOldClaims(store: BlobStore): Promise<void> {
  const names: string[] = [];
  for await (const { name } of store.list(EPOCHS)) {
    if (numberIn(name) !== undefined) names.push(name);
  }
  for (const name of names.slice(0, -KEPT)) await store.delete(name);
}
