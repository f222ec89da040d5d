// Processes that fetch into one store are killed at moments of chance: what has a name is whole, always, and the next one finishes.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { ArtifactServer, sha256Hex } from '#test/support/artifact-server.ts';
import { seededRandom } from '#test/support/seed.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { projectRoot } from '#test/support/windlass.ts';
import { makeStore, someBytes } from './binaries-fixture.ts';

const CONTENT = someBytes(2 << 20);
const WRITER = join(projectRoot, 'test', 'support', 'artifact-writer.ts');

interface Ending {
  readonly isDone: boolean;
  readonly code: number | null;
}

/** Runs one, and kills it once it has told of so many bytes. */
async function run(args: readonly string[], killAt: number): Promise<Ending> {
  const child = spawn(process.execPath, [WRITER, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit') as Promise<[number | null]>;
  let isDone = false;
  for await (const line of createInterface(child.stdout)) {
    isDone ||= line === 'done';
    if (Number(line) >= killAt) child.kill('SIGKILL');
  }
  const [code] = await exit;
  return { isDone, code };
}

test('kill -9 at any moment leaves nothing with a wrong name, and the next process finishes', async (t) => {
  const random = seededRandom();
  t.diagnostic(`seed ${random.seed}`);
  const server = await ArtifactServer.start(t);
  const digest = server.publish('/tool', CONTENT);
  const { signal } = new AbortController();
  for (let round = 0; round < 2; round += 1) {
    const folder = tempDir();
    const args = [folder, `${server.url}/tool`, digest];
    for (let crash = 0; crash < 3; crash += 1) {
      // Two at once, of which one is killed: the other takes over.
      const killed = run(args, random.next(CONTENT.length));
      const isAlone = random.next(2) === 0;
      const other = isAlone ? undefined : run(args, Number.POSITIVE_INFINITY);
      await killed;
      assert.notEqual((await other)?.isDone, false);
      for (const name of await readdir(join(folder, 'sha256')).catch(() => []))
        assert.equal(sha256Hex(await readFile(join(folder, 'sha256', name))), name);
    }
    const { isDone, code } = await run(args, Number.POSITIVE_INFINITY);
    assert.deepEqual([isDone, code], [true, 0]);
    assert.deepEqual(await readFile(join(folder, 'sha256', digest)), CONTENT);
    const store = makeStore(folder, { partialKeptMs: 0 });
    assert.deepEqual(await store.collect(new Set([digest]), 0), []);
    assert.deepEqual(await readdir(join(folder, 'partial')), []);
    assert.ok((await store.find(digest, signal)) !== undefined);
  }
});
