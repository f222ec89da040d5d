// What docs/persistence-format.md promises to people with a shell: the commands in it, run over real data.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { machine } from '../conformance-site.ts';
import { encodeBatch } from '../encoding.ts';
import type { LogRecord } from '../provider.ts';
import { NfsPersistenceProvider } from './provider.ts';

const root = mkdtempSync(join(tmpdir(), 'windlass-layout-'));
after(() => rmSync(root, { recursive: true }));

const JSON_VALUE = '{"apiVersion":"v1",  "n":1.0,"text":"a \\"quoted\\",\\"value\\": ü"}';

function thing(revision: number, key: string, value?: string | Buffer): LogRecord {
  const named = { revision, kind: 'core/"things", "value":', key };
  return value === undefined ? named : { ...named, value: Buffer.from(value) };
}

async function filled(name: string): Promise<string> {
  const path = join(root, name);
  const provider = new NfsPersistenceProvider({ paths: [path], clock: systemClock });
  await using _ = provider;
  await provider.initialize(machine);
  const [instance = ''] = provider.instances();
  const { epoch } = await provider.claimEpoch(instance);
  const append = (...records: readonly LogRecord[]): Promise<void> =>
    provider.append(instance, encodeBatch({ epoch, records }));
  await append(thing(1, 'default/a', JSON_VALUE), thing(2, 'default/b', Buffer.from([0, 10, 255])));
  await append(thing(3, 'default/c', '[1,\n2]'), thing(4, 'default/a'));
  await provider.compact(instance, 3);
  await append(thing(5, 'default/ü', '"x"'));
  const found: LogRecord[] = [];
  for await (const records of provider.replay(instance, new AbortController().signal)) {
    found.push(...records);
  }
  assert.deepEqual(
    found.map(({ key, value }) => [key, value && Buffer.from(value).toString('latin1')]),
    [
      ['default/a', Buffer.from(JSON_VALUE).toString('latin1')],
      ['default/b', '\0\n\xff'],
      ['default/c', '[1,\n2]'],
      ['default/a', undefined],
      ['default/ü', '"x"'],
    ],
  );
  return path;
}

test('segments are lines of JSON whose checksum sha256sum confirms', async () => {
  const path = await filled('segments');
  const names = readdirSync(join(path, 'wal'));
  assert.ok(names.length >= 3);
  for (const name of names) {
    assert.match(name, /^\d{20}\.jsonl$/);
    const file = join(path, 'wal', name);
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    const parsed = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(parsed[0]?.['segment'], Number(name.slice(0, 20)));
    assert.equal(parsed[0]?.['records'], lines.length - 2);
    const shell = `head -n -1 '${file}' | sha256sum | cut -d' ' -f1`;
    const sum = execFileSync('sh', ['-c', shell], { encoding: 'utf8' }).trim();
    assert.equal(parsed.at(-1)?.['sha256'], sum);
  }
  const second = readFileSync(join(path, 'wal', '00000000000000000002.jsonl'), 'utf8');
  assert.ok(second.includes(`,"value":${JSON_VALUE}}\n`));
});

test('the manifest names parts that are there', async () => {
  const path = await filled('manifest');
  const latest = JSON.parse(readFileSync(join(path, 'latest.json'), 'utf8')) as {
    manifest: string;
  };
  const { manifest } = JSON.parse(readFileSync(join(path, latest.manifest), 'utf8')) as {
    readonly manifest: { readonly compacted: number; readonly base: readonly { name: string }[] };
  };
  assert.equal(manifest.compacted, 3);
  assert.ok(manifest.base.length > 0);
  for (const { name } of manifest.base) assert.ok(statSync(join(path, name)).isFile());
});

test('only this user can read it, and nothing half-written is left', async () => {
  const path = await filled('modes');
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  assert.ok(entries.length > 6);
  for (const entry of entries) {
    assert.ok(!entry.name.startsWith('.'), entry.name);
    const { mode } = statSync(join(entry.parentPath, entry.name));
    assert.equal(mode & 0o777, entry.isDirectory() ? 0o700 : 0o600, entry.name);
  }
  assert.equal(statSync(path).mode & 0o777, 0o700);
});
