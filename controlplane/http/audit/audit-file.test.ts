import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { systemClock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { eventually } from '#test/support/eventually.ts';
import { tempDir } from '#test/support/temp-dir.ts';

import { AuditFile } from './audit-file.ts';
import type { AuditFileOptions } from './audit-file.ts';

function optionsIn(folder: string): AuditFileOptions {
  let second = 0;
  return {
    path: join(folder, 'audit.log'),
    maxBytes: 100,
    maxBackups: 2,
    clock: { ...systemClock, now: () => Date.UTC(2026, 0, 1) + 1000 * (second += 1) },
    logger: silentLogger,
    metrics: new MetricsRegistry(),
  };
}

test('AuditFile appends to what is there, for its owner only, and renames what is full', async () => {
  const folder = tempDir();
  const options = optionsIn(folder);
  writeFileSync(options.path, 'before\n', { mode: 0o600 });
  writeFileSync(join(folder, 'audit-not-ours.log'), '');
  const file = AuditFile.open(options);
  for (let n = 0; n < 40; n += 1) {
    file.write(`line ${String(n).padStart(4, '0')}`);
    if ((n + 1) % 10 !== 0) continue;
    const name = `audit-2026-01-01T00-00-0${(n + 1) / 10}.000Z.log`;
    await eventually('the full file has another name', () =>
      assert.ok(readdirSync(folder).includes(name)),
    );
  }
  await file.close();
  const names = readdirSync(folder).toSorted();
  assert.deepEqual(names, [
    'audit-2026-01-01T00-00-03.000Z.log',
    'audit-2026-01-01T00-00-04.000Z.log',
    'audit-not-ours.log',
    'audit.log',
  ]);
  const all = names.map((name) => readFileSync(join(folder, name), 'utf8')).join('');
  const numbers = [...all.matchAll(/^line (\d{4})$/gm)].map(([, number]) => Number(number));
  // Whole lines, each once, in order: those of the oldest files are gone with them.
  assert.deepEqual(
    numbers,
    Array.from({ length: numbers.length }, (_, index) => 40 - numbers.length + index),
  );
  assert.ok(numbers.length >= 20);
  assert.equal(statSync(options.path).mode & 0o777, 0o600);
});

test('AuditFile counts what it cannot write, and throws nothing', async () => {
  const folder = tempDir();
  const options = optionsIn(folder);
  const file = AuditFile.open({ ...options, path: '/dev/full', maxBytes: 1e9 });
  file.write('lost');
  await eventually('the error is counted', async () => {
    assert.match(await options.metrics.expose(), /apiserver_audit_error_total\{plugin="log"\} 1/);
  });
  file.write('lost, too');
  assert.match(await options.metrics.expose(), /apiserver_audit_error_total\{plugin="log"\} 2/);
  await file.close();
});

test('AuditFile.open throws with the path of what cannot be a file', () => {
  const folder = tempDir();
  mkdirSync(join(folder, 'audit.log'));
  assert.throws(() => AuditFile.open(optionsIn(folder)), /EISDIR.*audit\.log/);
});
