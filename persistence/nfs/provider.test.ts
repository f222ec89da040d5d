import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { machine } from '../conformance-site.ts';
import { testProvider } from '../provider-conformance.ts';
import { NfsPersistenceProvider, nfsInstanceName } from './provider.ts';

testProvider(test, 'NfsPersistenceProvider', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'windlass-nfs-'));
  const paths = [join(directory, 'one'), join(directory, 'two')];
  return {
    open: () => new NfsPersistenceProvider({ paths, clock: systemClock }),
    damage: (instance) => {
      const path = paths.find((candidate) => nfsInstanceName(candidate) === instance) ?? '';
      for (const name of readdirSync(join(path, 'wal'))) {
        const file = join(path, 'wal', name);
        const text = readFileSync(file, 'latin1');
        const value = Buffer.from('k150@151').toString('base64');
        writeFileSync(
          file,
          text.replace(value, Buffer.from('j150@151').toString('base64')),
          'latin1',
        );
      }
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
});

test('an instance that is being opened is not up, and one that cannot be opened never was', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'windlass-nfs-opening-'));
  const path = join(directory, 'state');
  writeFileSync(path, 'in the way');
  const provider = new NfsPersistenceProvider({ paths: [path], clock: systemClock });
  await using _ = provider;
  const [instance = ''] = provider.instances();
  const isUp = (): boolean => provider.instanceStatus(instance).status;
  for (const expected of [false, true]) {
    const opening = provider.initialize(machine);
    // The thread has been asked, and cannot have answered.
    await Promise.resolve();
    assert.equal(isUp(), false);
    await opening;
    assert.equal(isUp(), expected);
    await rm(path, { recursive: true });
  }
  await rm(directory, { recursive: true });
});
