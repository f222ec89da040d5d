// How the cases of the machine collection are read, and when one counts as shown.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '#test/support/windlass.ts';
import { machineOutcome, readElsewhere, readMachineCases } from './machine-case.ts';
import type { TestResult } from './machine-case.ts';

const folder = join(projectRoot, 'test', 'cases');
const cases = readMachineCases(readFileSync(join(folder, 'machine-cases.json'), 'utf8'));
const elsewhere = readElsewhere(readFileSync(join(folder, 'machine-cases-elsewhere.json'), 'utf8'));

test('what came of a case is what came of the tests that name it', () => {
  const one = { id: 'k0sctl-067', system: 'k0sctl', area: 'integrity', name: 'wrong digest' };
  const row = { id: undefined, system: 'k0sctl', area: 'integrity', reason: 'none here' };
  const outcome = (
    results: readonly (readonly [string, TestResult['result']])[],
    rows: Parameters<typeof machineOutcome>[2] = [],
  ): string => {
    const named = results.map(([title, result]) => ({ title, result }));
    const { result, detail } = machineOutcome(one, named, rows);
    return `${result}: ${detail}`;
  };
  assert.equal(outcome([]), 'failed: no test names it');
  assert.equal(outcome([['x [k0sctl-067, k0sctl-068]', 'passed']]), 'passed: ');
  assert.equal(outcome([['x [k0sctl-0671]', 'passed']]), 'failed: no test names it');
  assert.equal(outcome([['x [k0sctl-067]', 'skipped']]), 'failed: skipped: x [k0sctl-067]');
  const both = [
    ['x [k0sctl-067]', 'passed'],
    ['y [k0sctl-067]', 'failed'],
  ] as const;
  assert.equal(outcome(both, [row]), 'failed: failed: y [k0sctl-067]');
  assert.equal(outcome([], [row]), 'elsewhere: none here');
  assert.equal(outcome([['x [k0sctl-067]', 'passed']], [row]), 'passed: ');
});

test('rows of the list are about cases that there are', () => {
  for (const { id, system, area, reason } of elsewhere) {
    assert.ok(reason.length > 20, `${id ?? area ?? ''}: ${reason}`);
    const known = cases.some(
      (one) => one.id === id || (one.system === system && one.area === area),
    );
    assert.ok(known, `no case is ${id ?? `of ${system ?? ''} ${area ?? ''}`}`);
  }
});

test('an entry that is no case has failed, and hides no other', () => {
  const text = JSON.stringify({ cases: [null, { name: 'x' }, { id: 7 }, { id: 'mesh-0012' }] });
  const found = readMachineCases(text);
  assert.deepEqual(
    found.map(({ id, system, problem }) => [id, system, problem]),
    [
      ['#1', '', 'case 1: id must be a text, found nothing'],
      ['#2', '', 'case 2: id must be a text, found nothing'],
      ['7', '7', undefined],
      ['mesh-0012', 'mesh', undefined],
    ],
  );
  const results = [{ title: 'whatever ids look like [mesh-0012]', result: 'passed' }] as const;
  assert.deepEqual(
    found.map((one) => machineOutcome(one, results, elsewhere).result),
    ['failed', 'failed', 'failed', 'passed'],
  );
});

test('files that are no cases are refused with where', () => {
  assert.throws(() => readMachineCases('{}'), /the file must be a list/);
  assert.throws(() => readMachineCases('"cases"'), /the file must be an object/);
  assert.throws(() => readMachineCases('{'), SyntaxError);
  assert.throws(() => readElsewhere('[{"id": "a-001"}]'), /row 1: reason must be a text/);
});
