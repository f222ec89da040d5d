// A long day of Leases in segments: what is written again and again leaves nothing behind, neither in the store nor in memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultyWorld } from './faulty-store-fixture.ts';
import { SegmentEngine } from './segment-engine.ts';

const LEASES = 100;
const VALUE_BYTES = 600;
/** Renewals of each Lease that a restart can still resume watches from: ten minutes of one every ten seconds. */
const KEPT = 60;
/** Between two compactions, which come every minute. */
const BETWEEN = 6;
/** A day has 8,640; from a few hundred on every hour is like the one before, which is what the test checks. */
const ROUNDS = Number(process.env['WINDLASS_TEST_LEASE_ROUNDS'] ?? 900);

test('the blobs stay bounded while a hundred Leases are renewed, and a start reads no more than they hold', async () => {
  const world = new FaultyWorld(1);
  const engine = new SegmentEngine({ store: world.open(), writer: 'w' });
  await engine.open();
  const { epoch } = await engine.claim('m', 0);
  let revision = 0;
  const sizes: number[] = [];
  const counts: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const records = Array.from({ length: LEASES }, (_unused, lease) => {
      revision += 1;
      const text = 'x'.repeat(VALUE_BYTES - 20);
      const value = Buffer.from(JSON.stringify({ revision, text }));
      return { revision, kind: 'coordination.k8s.io/leases', key: `nodes/n${lease}`, value };
    });
    assert.deepEqual(await engine.append([{ epoch, records }]), [undefined]);
    if (round % BETWEEN === BETWEEN - 1) while (!(await engine.compact(revision - KEPT * LEASES)));
    counts.push(world.blobs.size);
    sizes.push([...world.blobs.values()].reduce((sum, blob) => sum + blob.length, 0));
  }
  // History, what came since the last compaction, as much again for the snapshot before, which may be needed, and the live ones.
  const line = VALUE_BYTES + 150;
  const bound = (KEPT + 4 * BETWEEN) * LEASES * line + 8 * LEASES * line;
  assert.ok(Math.max(...sizes) < bound, `${Math.max(...sizes)} bytes, at most ${bound}`);
  assert.ok(Math.max(...counts) < 2 * (KEPT + 4 * BETWEEN), `${Math.max(...counts)} blobs`);
  const half = ROUNDS / 2;
  const [early, late] = [sizes.slice(0, half), sizes.slice(half)].map((part) => Math.max(...part));
  assert.ok(Number(late) <= Number(early) * 1.02, `${early} bytes early, ${late} late`);
  await engine.close();

  const again = new SegmentEngine({ store: world.open(), writer: 'again' });
  const cursor = await again.open();
  assert.equal(cursor.revision, revision);
  // The history of ten minutes is there, and hardly more.
  assert.ok(cursor.compacted <= revision - KEPT * LEASES);
  assert.ok(cursor.compacted >= revision - (KEPT + BETWEEN) * LEASES);
  const found = await again.getAll('coordination.k8s.io/leases');
  assert.deepEqual(
    found.map((record) => record.revision).toSorted((a, b) => a - b),
    Array.from({ length: LEASES }, (_unused, index) => revision - LEASES + 1 + index),
  );
});
