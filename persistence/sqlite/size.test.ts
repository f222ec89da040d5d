// A long day of Leases: what is written again and again leaves nothing behind, and forgetting never holds up a write.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { encodeBatch } from '../encoding.ts';
import { parseMachineId } from '../machine-id.ts';
import type { MachineId } from '../machine-id.ts';
import { SqlitePersistenceProvider } from './provider.ts';
import { SqliteEngine } from './sqlite-engine.ts';

const LEASES = 100;
const VALUE_BYTES = 600;
/** Renewals of each Lease that a restart can still resume watches from: ten minutes of one every ten seconds. */
const KEPT = 60;
/** A day has 8,640; from a few hundred on every hour is like the one before, which is what the test checks. */
const ROUNDS = Number(process.env['WINDLASS_TEST_LEASE_ROUNDS'] ?? 1_500);

test('the files stay bounded while a hundred Leases are renewed', () => {
  const directory = mkdtempSync(join(tmpdir(), 'windlass-size-'));
  const path = join(directory, 'state.db');
  const engine = new SqliteEngine(path, systemClock);
  try {
    engine.open();
    const { epoch } = engine.claim('m', 0);
    let revision = 0;
    const sizes: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const records = Array.from({ length: LEASES }, (_unused, lease) => {
        revision += 1;
        const value = Buffer.alloc(VALUE_BYTES, `renewed ${revision} `);
        return { revision, kind: 'coordination.k8s.io/leases', key: `nodes/n${lease}`, value };
      });
      engine.append([{ epoch, records }]);
      engine.committed();
      if (round % 6 === 5) while (!engine.compact(revision - KEPT * LEASES));
      sizes.push(statSync(path).size + statSync(`${path}-wal`).size);
    }
    const kept = (KEPT + 6 + 1) * LEASES * (VALUE_BYTES + 100);
    // The write-ahead log is emptied from 8 MiB on, and takes the last transaction before that.
    const bound = 2 * kept + (12 << 20);
    assert.ok(Math.max(...sizes) < bound, `${Math.max(...sizes)} bytes, at most ${bound}`);
    const half = ROUNDS / 2;
    const [early, late] = [sizes.slice(0, half), sizes.slice(half)].map((part) =>
      Math.max(...part),
    );
    assert.ok(Number(late) <= Number(early) * 1.02, `${early} bytes early, ${late} late`);
  } finally {
    engine.close(true);
    rmSync(directory, { recursive: true });
  }
});

test('writes pass between the slices of a compaction', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'windlass-slices-'));
  const paths = [join(directory, 'state.db')];
  const provider = new SqlitePersistenceProvider({ paths, clock: systemClock });
  try {
    await provider.initialize(parseMachineId('f'.repeat(32)) as MachineId);
    const [instance = ''] = provider.instances();
    const { epoch } = await provider.claimEpoch(instance);
    const write = (first: number, count: number): Promise<void> => {
      const records = Array.from({ length: count }, (_unused, index) => {
        const value = Buffer.from('x');
        return { revision: first + index, kind: 'k', key: `k${index % 50}`, value };
      });
      return provider.append(instance, encodeBatch({ epoch, records }));
    };
    await write(1, 20_000);
    const order: string[] = [];
    const compacting = provider.compact(instance, 20_000).then(() => order.push('compacted'));
    for (let index = 0; index < 20; index += 1) {
      await write(20_001 + index, 1);
      order.push('written');
    }
    await compacting;
    // Forty slices: twenty writes, one after another, are done before them.
    assert.deepEqual(order, [...Array.from({ length: 20 }, () => 'written'), 'compacted']);
  } finally {
    await provider[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  }
});
