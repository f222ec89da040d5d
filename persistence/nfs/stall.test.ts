// A file server that hangs: a FIFO stands in for it, since opening one waits for ever, in a call that nothing can interrupt.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { stuckThreads } from '#platform/stuck-threads.ts';
import { eventually } from '#test/support/eventually.ts';
import { machine, never, put, shown } from '../conformance-site.ts';
import { encodeBatch } from '../encoding.ts';
import { NfsPersistenceProvider } from './provider.ts';

const root = mkdtempSync(join(tmpdir(), 'windlass-stall-'));
after(() => rmSync(root, { recursive: true }));

/** Makes the next read of a file hang. The returned function lets it go on. */
function hang(path: string): () => void {
  renameSync(path, `${path}.kept`);
  execFileSync('mkfifo', [path]);
  return () => {
    // Whoever waits at the other end is let in, finds it empty, and then the file is what it was.
    const fifo = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    renameSync(`${path}.kept`, path);
    closeSync(fifo);
  };
}

test('a hanging directory takes its instance down in time, leaves the process alone, and comes back', async () => {
  const path = join(root, 'state');
  mkdirSync(path);
  const options = { paths: [path], clock: systemClock, stallMs: 1_500 };
  const provider = new NfsPersistenceProvider(options);
  await using _ = provider;
  const [instance = ''] = provider.instances();
  await provider.initialize(machine);
  const { epoch } = await provider.claimEpoch(instance);
  const append = (revision: number): Promise<void> =>
    provider.append(instance, encodeBatch({ epoch, records: [put(revision, 'a')] }));
  await append(1);

  const letGo = hang(join(path, 'wal', '00000000000000000002.jsonl'));
  const reading = shown(provider.replay(instance, never));
  const writing = append(2);
  await assert.rejects(reading, {
    name: 'StorageUnreachableError',
    message: /state has not answered for 1.5 s/,
  });
  // It waits behind the other: nobody knows what the thread will do once it is let go.
  await assert.rejects(writing, { name: 'StorageFailedError', message: /is not known/ });
  assert.equal(provider.instanceStatus(instance).status, false);
  assert.equal(stuckThreads().length, 1);
  await assert.rejects(append(2), { name: 'StorageUnreachableError' });

  // Each attempt while it hangs ends in time, and there is a limit to how many threads that costs.
  for (let attempt = 0; attempt < 3; attempt += 1) {
    await provider.initialize(machine);
    assert.equal(provider.instanceStatus(instance).status, false);
  }
  assert.equal(stuckThreads().length, 2);

  await eventually('every thread has come back', () => {
    if (stuckThreads().length > 0) letGo();
    assert.equal(stuckThreads().length, 0);
  });
  await provider.initialize(machine);
  assert.equal(provider.instanceStatus(instance).status, true);
  const { revision } = await provider.cursor(instance);
  assert.equal(revision, 1);
  await append(2);
  assert.deepEqual(await shown(provider.replay(instance, never)), ['a@1', 'a@2']);
});

test('a process ends although a thread hangs', () => {
  const path = join(root, 'exit');
  mkdirSync(path);
  execFileSync('mkfifo', [join(path, 'format.json')]);
  const source = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);
  const script = `
    const { NfsPersistenceProvider } = await import(${source('provider.ts')});
    const { systemClock } = await import(${source('../../platform/clock.ts')});
    const { stuckThreads } = await import(${source('../../platform/stuck-threads.ts')});
    const paths = [${JSON.stringify(path)}];
    const provider = new NfsPersistenceProvider({ paths, clock: systemClock, stallMs: 1_500 });
    await provider.initialize('');
    await provider[Symbol.asyncDispose]();
    console.log('stuck', ...stuckThreads());
    if (stuckThreads().length > 0) process.kill(process.pid, 'SIGKILL');`;
  const args = ['--input-type=module', '-e', script];
  assert.throws(
    () => execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 20_000 }),
    (error: { readonly stdout: string; readonly signal: string }) => {
      assert.equal(error.stdout, `stuck ${path}\n`);
      assert.equal(error.signal, 'SIGKILL');
      return true;
    },
  );
});
