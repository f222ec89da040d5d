import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import type { LogDump } from '../provider.ts';
import { allOf, comparable, dumpOf, someRecords } from './backup-fixture.ts';
import { BackupFile } from './read-backup.ts';
import { writeBackup } from './write-backup.ts';

const folder = mkdtempSync(join(tmpdir(), 'windlass-backup-'));
after(() => {
  if (isMounted) execFileSync('umount', [small]);
  rmSync(folder, { recursive: true });
});
const { signal } = new AbortController();

let count = 0;
function write(path: string, dump: LogDump, options: { signal?: AbortSignal } = {}) {
  count += 1;
  return writeBackup({
    path,
    dump,
    source: 'sqlite:/x',
    now: 0,
    unique: String(count),
    signal,
    ...options,
  });
}

for (const name of ['plain.jsonl', 'packed.jsonl.zst']) {
  test(`${name}: what was written is read again, byte for byte`, async () => {
    const path = join(folder, name);
    const records = someRecords(5_000);
    const { end, size } = await write(path, dumpOf(records));
    const file = new BackupFile(path);
    const { head, live } = await file.verify(signal);
    assert.deepEqual(comparable(await allOf(file.records(signal))), comparable(records));
    assert.equal(head.revision, 5_000);
    assert.equal(head.createdAt, '1970-01-01T00:00:00.000Z');
    assert.deepEqual(live.summary(), {
      records: end.records,
      bytes: end.bytes,
      objects: end.objects,
      kinds: end.kinds,
    });
    assert.equal(statSync(path).size, size);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.ok(end.objects > 0 && end.objects < 5_000);
  });
}

test('standard tools read it: each line is JSON, the last one has the checksum of all before it', async () => {
  const path = join(folder, 'tools.jsonl');
  await write(path, dumpOf(someRecords(500)));
  const text = readFileSync(path, 'utf8');
  const lines = text.trimEnd().split('\n');
  const parsed = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(parsed[0]?.['format'], 'windlass-backup/v1');
  const last = lines.at(-1) ?? '';
  const sha256 = createHash('sha256')
    .update(text.slice(0, text.indexOf(last)))
    .digest('hex');
  assert.equal(parsed.at(-1)?.['sha256'], sha256);
  const packed = `${path}.zst`;
  await write(packed, dumpOf(someRecords(10)));
  assert.match(zstdDecompressSync(readFileSync(packed)).toString(), /^\{"format":"windlass-backup/);
});

test('an empty log makes a backup too', async () => {
  const path = join(folder, 'empty.jsonl');
  await write(path, dumpOf([]));
  const { live } = await new BackupFile(path).verify(signal);
  assert.equal(live.count, 0);
});

test('the state at an earlier revision is told apart', async () => {
  const path = join(folder, 'earlier.jsonl');
  const records = someRecords(300);
  await write(path, dumpOf(records));
  const { live } = await new BackupFile(path).verify(signal, { upTo: 100 });
  const kept = records.filter((record) => live.has(record));
  assert.ok(kept.length > 0 && kept.every(({ revision }) => revision <= 100));
});

test('a flipped bit anywhere is found', async () => {
  const path = join(folder, 'flipped.jsonl');
  await write(path, dumpOf(someRecords(60)));
  const whole = readFileSync(path);
  for (let at = 0; at < whole.length; at += 31) {
    const damaged = Buffer.from(whole);
    damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << (at & 7)), at);
    writeFileSync(path, damaged);
    await assert.rejects(new BackupFile(path).verify(signal), (error: Error) => {
      assert.match(
        error.name,
        /^(CorruptDataError|ForeignDataError)$/,
        `byte ${at}: ${String(error)}`,
      );
      assert.ok(error.message.includes(path), `byte ${at}: ${error.message}`);
      return true;
    });
  }
});

for (const name of ['cut.jsonl', 'cut.jsonl.zst']) {
  test(`${name}: a file that lacks anything that counts is refused, wherever it ends`, async () => {
    const path = join(folder, name);
    await write(path, dumpOf(someRecords(40)));
    const whole = readFileSync(path);
    const all = await new BackupFile(path).verify(signal);
    let refused = 0;
    for (let length = 0; length < whole.length; length += length < whole.length - 64 ? 37 : 1) {
      writeFileSync(path, whole.subarray(0, length));
      try {
        const found = await new BackupFile(path).verify(signal);
        // The last line end, and what closes a compressed frame, hold nothing.
        assert.ok(length > whole.length - 16, `${length} of ${whole.length}`);
        assert.deepEqual([found.head, found.end], [all.head, all.end]);
        assert.equal(found.live.count, all.live.count);
      } catch (error) {
        assert.match(String(error), /(CorruptData|ForeignData)Error/, String(length));
        refused += 1;
      }
    }
    assert.ok(refused > 20);
  });
}

test('what is no backup is refused in words', async () => {
  const path = join(folder, 'other');
  for (const text of [
    '',
    'hello',
    '{}\n{}\n',
    '\n\n\n',
    'SQLite format 3\0'.repeat(100),
    '[1]\n',
  ]) {
    writeFileSync(path, text);
    await assert.rejects(new BackupFile(path).verify(signal), /not a backup of Windlass/);
  }
  writeFileSync(path, '{"format":"windlass-backup/v9"}\n');
  await assert.rejects(new BackupFile(path).verify(signal), /newer version/);
  await assert.rejects(new BackupFile(join(folder, 'absent')).verify(signal), /ENOENT/);
  await assert.rejects(new BackupFile(folder).verify(signal), /Error/);
});

function leftovers(path: string): readonly string[] {
  return readdirSync(path).filter((name) => name.includes('.partial'));
}

test('a file that is there is never replaced, and of two at once one wins', async () => {
  const path = join(folder, 'there.jsonl');
  const both = await Promise.allSettled([
    write(path, dumpOf(someRecords(3_000))),
    write(path, dumpOf(someRecords(3_000))),
  ]);
  assert.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
  const before = readFileSync(path);
  await assert.rejects(write(path, dumpOf([])), { name: 'BackupExistsError' });
  assert.ok(readFileSync(path).equals(before));
  await new BackupFile(path).verify(signal);
  assert.deepEqual(leftovers(folder), []);
});

test('a source that fails, or a signal, leaves nothing behind', async () => {
  const path = join(folder, 'failed.jsonl');
  const failing = async function* (): LogDump['records'] {
    yield* pages();
    throw new Error('the source is gone');
  };
  const pages = (): LogDump['records'] => dumpOf(someRecords(1_000)).records;
  await assert.rejects(write(path, { ...dumpOf([]), records: failing() }), /the source is gone/);
  const stop = new AbortController();
  const stopping = async function* (): LogDump['records'] {
    yield* pages();
    stop.abort(new Error('stopped'));
    yield* pages();
  };
  await assert.rejects(
    write(path, { ...dumpOf([]), records: stopping() }, { signal: stop.signal }),
    /stopped/,
  );
  assert.ok(!readdirSync(folder).includes('failed.jsonl'));
  assert.deepEqual(leftovers(folder), []);
});

const small = join(folder, 'small');
mkdirSync(small);
const isMounted = mountSmall();

function mountSmall(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
const skip = !isMounted && process.env['CI'] !== 'true' && 'a small tmpfs cannot be mounted here';

test(
  'a full disk is told, leaves nothing behind, and space is all that it takes',
  { skip },
  async () => {
    const path = join(small, 'full.jsonl');
    await assert.rejects(write(path, dumpOf(someRecords(5_000))), { name: 'StorageFullError' });
    assert.deepEqual(readdirSync(small), []);
    await write(path, dumpOf(someRecords(100)));
    await new BackupFile(path).verify(signal);
  },
);
