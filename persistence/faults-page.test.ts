// docs/persistence-faults.md names a test for each fault: they are there, under those titles, and no fault of the list is without one.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const docs = join(import.meta.dirname, '..', 'docs');
const page = readFileSync(join(docs, 'persistence-faults.md'), 'utf8');
/** Cells of the rows of its tables, but for the headers. */
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (?:fault|-+) /.test(line))
  .map((line) => line.split(' | ').map((cell) => cell.replaceAll(/^\| | \|$/g, '').trim()));

test('the page names tests that are there', () => {
  assert.ok(rows.length >= 30);
  for (const [fault = '', what = '', shownBy = ''] of rows) {
    assert.ok(fault !== '' && what !== '', fault);
    const named = [...shownBy.matchAll(/\]\(([^)]+)\) “([^”]+)”/g)];
    assert.equal(named.length, shownBy.split('](').length - 1, `${fault}: a file without a title`);
    assert.ok(named.length > 0, `${fault}: nothing shows it`);
    for (const [, path = '', title = ''] of named) {
      const file = join(docs, path);
      assert.ok(existsSync(file), `${fault}: ${path} is not there`);
      assert.ok(readFileSync(file, 'utf8').includes(title), `${fault}: no “${title}” in ${path}`);
    }
  }
});

test('no fault is without a row', () => {
  const faults = rows.map(([fault = '', what = '']) => `${fault} ${what}`).join('\n');
  for (const fault of [
    /kill -9. at any moment/,
    /kill -9. at named points/,
    /power cut/,
    /torn and short writes/,
    /flipped bits at the end/,
    /flipped bits earlier/,
    /disk full, and freed/,
    /EIO from fsync/,
    /read-only/,
    /a mount that hangs/,
    /slow disk/,
    /^down/m,
    /^slow, hanging/m,
    /storms of 5xx/,
    /replies lost after the commit/,
    /ignored conditions/,
    /a wrong clock/,
    /SIGSTOP/,
    /deleted, stale, corrupt/,
  ])
    assert.match(faults, fault);
});
