// What a killed backup has left goes with the next one; what another one writes stays.
import assert from 'node:assert/strict';
import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '#test/support/temp-dir.ts';
import { partialPath, removePartials } from './remove-partials.ts';
import type { Owner } from './remove-partials.ts';

const DAY_MS = 24 * 3_600_000;

test('files of any backup go, whose writer is gone or which nobody has touched for a day, and no others', async () => {
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
  write(partialPath(join(folder, 'other'), 'alive-1'), 0);
  const others = ['.download.f00.partial', '.gone-1.partial', 'x.gone-1.partial', '.a.gone-1.part'];
  for (const name of others) write(join(folder, name), 0);
  write(path);
  const owners: Readonly<Record<string, Owner>> = {
    gone: 'Gone',
    alive: 'Alive',
    unknown: 'Unknown',
  };
  const ownerOf = (mark: string): Owner => owners[mark.replace(/-.*/, '')] ?? 'Unmarked';
  const removed = await removePartials(path, ownerOf, now);
  assert.deepEqual(removed.toSorted(), [
    '.other.gone-1.partial',
    '.state.backup.gone-1.partial',
    '.state.backup.unknown-2.partial',
    '.state.backup.zst.gone-1.partial',
  ]);
  const kept = [
    '.other.alive-1.partial',
    '.state.backup.alive-1.partial',
    '.state.backup.unknown-1.partial',
    'state.backup',
  ];
  assert.deepEqual(readdirSync(folder).toSorted(), [...others, ...kept].toSorted());
  assert.deepEqual(await removePartials(join(folder, 'absent', 'x'), ownerOf, now), []);
});
