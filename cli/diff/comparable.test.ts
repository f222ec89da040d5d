import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import { comparable } from './comparable.ts';
import { unifiedDiff } from '#platform/unified-diff.ts';

test('unifiedDiff() is nothing for equal texts', () => {
  assert.equal(unifiedDiff('x', 'a\nb\n', 'a\nb\n'), '');
});

test('unifiedDiff() shows three lines around each change, and joins what is near', () => {
  const before = Array.from({ length: 20 }, (_, index) => `line ${index + 1}\n`).join('');
  const after = before.replace('line 2\n', 'two\n').replace('line 18\n', '');
  assert.equal(
    unifiedDiff('x', before, after),
    [
      '--- live/x',
      '+++ file/x',
      '@@ -1,5 +1,5 @@',
      ' line 1',
      '-line 2',
      '+two',
      ...[3, 4, 5].map((number) => ` line ${number}`),
      '@@ -15,6 +15,5 @@',
      ...[15, 16, 17].map((number) => ` line ${number}`),
      '-line 18',
      ' line 19',
      ' line 20',
      '',
    ].join('\n'),
  );
});

test('unifiedDiff() of what is new begins at line 0', () => {
  assert.equal(unifiedDiff('x', '', 'a\n'), '--- live/x\n+++ file/x\n@@ -0,0 +1,1 @@\n+a\n');
});

/** Carries a diff out, as patch(1) does. */
function patched(before: readonly string[], diff: string): readonly string[] {
  const result: string[] = [];
  let at = 0;
  for (const line of diff.split('\n').slice(2)) {
    const hunk = /^@@ -(\d+),(\d+) /.exec(line);
    if (hunk !== null) {
      const start = Number(hunk[1]) - (hunk[2] === '0' ? 0 : 1);
      result.push(...before.slice(at, start));
      at = start;
    } else if (line.startsWith('+')) result.push(line.slice(1));
    else if (line !== '') {
      assert.equal(before[at], line.slice(1));
      if (line.startsWith(' ')) result.push(line.slice(1));
      at += 1;
    }
  }
  return [...result, ...before.slice(at)];
}

test('unifiedDiff() leads from one text to the other', () => {
  const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 30 });
  const textOf = (list: readonly string[]): string => list.map((line) => `${line}\n`).join('');
  fc.assert(
    fc.property(lines, lines, (before, after) => {
      const diff = unifiedDiff('x', textOf(before), textOf(after));
      assert.deepEqual(diff === '' ? before : patched(before, diff), after);
    }),
    { numRuns: 500 },
  );
});

const metadata = { name: 'x', uid: 'u', resourceVersion: '1', creationTimestamp: 't' };

test('comparable() leaves out what the server keeps for itself', () => {
  const annotations = { kept: 'yes', 'kubectl.kubernetes.io/last-applied-configuration': '{}' };
  const object = { kind: 'A', metadata: { ...metadata, annotations }, spec: 1, status: 2 };
  const text = 'kind: A\nmetadata:\n  annotations:\n    kept: yes\n  name: x\nspec: 1\n';
  const found = comparable(undefined, object);
  assert.equal(found.before, '');
  assert.equal(found.after.replaceAll('"', ''), text);
});

test('comparable() tells of a secret only whether it changed', () => {
  const secret = (data: object): ApiObject => ({ kind: 'Secret', metadata, data }) as ApiObject;
  const { before, after } = comparable(
    secret({ same: 'c2FtZQ==', other: 'b2xk', gone: 'Z29uZQ==' }),
    secret({ same: 'c2FtZQ==', other: 'bmV3', added: 'YWRkZWQ=' }),
  );
  for (const value of ['c2FtZQ', 'b2xk', 'bmV3', 'Z29uZQ', 'YWRkZWQ'])
    assert.ok(!`${before}${after}`.includes(value), value);
  const diff = unifiedDiff('x', before, after);
  assert.match(diff, /^-.*other: "?\*\*\* \(before\)/m);
  assert.match(diff, /^\+.*other: "?\*\*\* \(after\)/m);
  assert.doesNotMatch(diff, /^[-+].*same/m);
});
