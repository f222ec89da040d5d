// Cases that lack fields, have odd values in them or fields too many: whatever a file holds, the runner says what is wrong, and goes on.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { seededRandom } from '#test/support/seed.ts';
import type { Random } from '#test/support/seed.ts';
import { projectRoot } from '#test/support/windlass.ts';
import { playCase } from './play-case.ts';
import { readCases } from './service-case.ts';

const ROUNDS = 150;
const ODD: readonly unknown[] = [
  null,
  0,
  -1,
  1.5,
  1e308,
  '',
  '\u0000',
  'x'.repeat(2_000),
  '__proto__',
  true,
  [],
  {},
  [null],
  { a: null },
  { anyOf: 3 },
];

test('a damaged case fails in words, or is played', async (t) => {
  const random = seededRandom();
  t.diagnostic(`WINDLASS_TEST_SEED=${random.seed}`);
  const path = join(projectRoot, 'test', 'cases', 'service-cases-own.json');
  const cases = (JSON.parse(readFileSync(path, 'utf8')) as { readonly kind: string }[]).filter(
    ({ kind }) => kind !== 'run',
  );
  for (let round = 0; round < ROUNDS; round += 1) {
    const entry = damaged(cases[random.next(cases.length)], random);
    const [one] = readCases(JSON.stringify([entry]));
    assert.ok(one !== undefined);
    // Of kind run by accident: a server for each would take long.
    if (one.kind === 'run') continue;
    const { detail } = await playCase(one);
    assert.doesNotMatch(detail, /\n\s+at /, JSON.stringify(entry));
  }
});

/** One field is taken away, replaced or added, at any depth. */
function damaged(entry: unknown, random: Random): unknown {
  const copy = structuredClone(entry);
  const places = placesIn(copy);
  const place = places[random.next(places.length)];
  const odd = ODD[random.next(ODD.length)];
  const way = random.next(3);
  if (place === undefined) return copy;
  const { holder, key } = place;
  if (way === 0) Reflect.deleteProperty(holder, key);
  else Reflect.set(holder, way === 1 ? key : 'extra', odd);
  return copy;
}

function placesIn(value: unknown): { readonly holder: object; readonly key: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => [
    { holder: value, key },
    ...placesIn(item),
  ]);
}
