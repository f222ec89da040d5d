// Artifacts of a machine without a root: put beside each other for both slots, and swapped by a link, on a real folder.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openBench } from '../rootfs/rootfs-fixture.ts';
import type { ArtifactPort } from './artifact-port.ts';
import { activateArtifacts, putArtifacts, slotPath } from './stage-artifacts.ts';

const { signal } = new AbortController();
const PATH = '/usr/local/bin/tool';

function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

test('the other slot keeps its artifact, bad bytes replace nothing, and a link leads to the one in use', async () => {
  await using bench = await openBench();
  const { host } = bench;
  const opened: string[] = [];
  const content = new Map([
    [digestOf('one'), 'one'],
    [digestOf('two'), 'two'],
    [digestOf('three'), 'evil'],
  ]);
  const port: ArtifactPort = {
    digestOf: async () => ({ pending: 'nobody asks' }),
    async *open(digest) {
      opened.push(digest);
      yield Buffer.from(content.get(digest) ?? '');
    },
  };
  const put = (slot: 'a' | 'b', text: string) =>
    putArtifacts(
      host,
      port,
      [
        {
          artifact: 'tool',
          digest: digestOf(text),
          mode: 0o755,
          target: slotPath(PATH, slot),
          path: PATH,
        },
      ],
      signal,
    );
  const inUse = (): Promise<string> => readFile(join(bench.hostRoot, `${PATH}.windlass-a`), 'utf8');
  await put('a', 'one');
  await activateArtifacts(host, [PATH], 'a', signal);
  assert.equal(await readlink(join(bench.hostRoot, PATH)), `${PATH}.windlass-a`);
  await put('b', 'two');
  await activateArtifacts(host, [PATH], 'b', signal);
  assert.equal(await readlink(join(bench.hostRoot, PATH)), `${PATH}.windlass-b`);
  assert.equal(await inUse(), 'one');
  await assert.rejects(put('a', 'three'), /SHA-256 is .*untouched/);
  assert.equal(await inUse(), 'one');
  opened.length = 0;
  await put('a', 'one');
  assert.deepEqual(opened, [], 'what is there is not read again');
});
