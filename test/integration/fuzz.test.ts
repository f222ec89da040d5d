// Requests by chance at a real server, to everything that it serves: none is answered with 500, or with a refusal that is no Status, or
// not at all. `npm run fuzz -- --minutes 10` does the same for longer, with other seeds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz } from '../fuzz/fuzz.ts';
import { openFuzzWorld } from '../fuzz/world.ts';
import { seededRandom } from '../support/seed.ts';

const REQUESTS = 800;
/** Enough for a seed that is played again; elsewhere the same requests each time, since a finding is not this change's fault. */
const SEED = Number(process.env['WINDLASS_TEST_SEED'] ?? 7);

test('whatever is asked is answered', async (t) => {
  const world = await openFuzzWorld(t);
  const { sent, codes, findings } = await fuzz({
    ...world,
    random: seededRandom(SEED),
    goesOn: (count) => count < REQUESTS,
  });
  assert.deepEqual(findings, []);
  assert.ok(sent >= REQUESTS);
  // They get somewhere: into the store and out of it.
  for (const code of [200, 201, 400, 404, 422]) assert.ok(codes.has(code), `no ${code}`);
});
