// The process that is killed, or loses its disk, in the middle of its work: appends batches to a log without end, several
// at once, compacts now and then, and prints the last revision of each batch once it is durable. `log-writer.ts sqlite|nfs PATH`
import { writeSync } from 'node:fs';
import { encodeBatch } from '#persistence/encoding.ts';
import { parseMachineId } from '#persistence/machine-id.ts';
import type { MachineId } from '#persistence/machine-id.ts';
import { KEYS, PER_BATCH, providerAt, valueOf } from './log-oracle.ts';

const [, , store, path = ''] = process.argv;
const provider = providerAt(store === 'nfs' ? 'nfs' : 'sqlite', path);
await provider.initialize(parseMachineId('f'.repeat(32)) as MachineId);
const [instance = ''] = provider.instances();
const cursor = await provider.claimEpoch(instance);
const { epoch } = cursor;
let { revision } = cursor;

async function lane(): Promise<void> {
  for (;;) {
    const records = Array.from({ length: PER_BATCH }, () => {
      revision += 1;
      return { revision, kind: 'k', key: `k${revision % KEYS}`, value: valueOf(revision) };
    });
    const last = revision;
    await provider.append(instance, encodeBatch({ epoch, records }));
    writeSync(1, `${last}\n`);
    if (last % 3 === 0) await provider.compact(instance, last - 400);
  }
}

try {
  await Promise.all([lane(), lane(), lane(), lane()]);
} catch (error) {
  // The disk is gone: whoever cut it expects the end, and reads no more acknowledgements.
  writeSync(2, `${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
