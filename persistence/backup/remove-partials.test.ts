// What a killed backup has left goes with the next one; what another one writes stays.
import assert from 'node:assert/strict';
import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '#test/support/temp-dir.ts';
import { partialPath, removePartials } from './remove-partials.ts';
import type { Owner } from './remove-partials.ts';

const DAY_MS = 24 * 3_600_000;

test('only files of that name go, whose writer is gone or which nobody has touched for a day', async () => {
  const folder = tempDir();
  const path = join(folder, 'state.backup');
  const now = 10 * DAY_MS;
  const write = (name: string, at = now): void => {
    writeFileSync(name, 'half of it');
    utimesSync(name, at / 1_000, at / 1_000);
  };
  write(partialPath(path, 'gone-1'));
  write(partialPath(path, 'alive-1'), 0);
  write(partialPath(path, 'unknown-1'));
  write(partialPath(path, 'unknown-2'), now - DAY_MS - 1);
  write(partialPath(join(folder, 'state.backup.zst'), 'gone-1'));
  write(partialPath(join(folder, 'other'), 'gone-1'));
  write(path);
  const owners: Readonly<Record<string, Owner>> = { gone: 'Gone', alive: 'Alive' };
  const ownerOf = (mark: string): Owner => owners[mark.replace(/-.*/, '')] ?? 'Unknown';
  const removed = await removePartials(path, ownerOf, now);
  assert.deepEqual(removed.toSorted(), [
    '.state.backup.gone-1.partial',
    '.state.backup.unknown-2.partial',
  ]);
  assert.deepEqual(readdirSync(folder).toSorted(), [
    '.other.gone-1.partial',
    '.state.backup.alive-1.partial',
    '.state.backup.unknown-1.partial',
    '.state.backup.zst.gone-1.partial',
    'state.backup',
  ]);
  assert.deepEqual(await removePartials(join(folder, 'absent', 'x'), ownerOf, now), []);
});
