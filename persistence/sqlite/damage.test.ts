// Bytes that change on the disk: in the write-ahead log that a killed process leaves, and in the database file. What was being
// written last may be missing; anything before is found, and nothing wrong is ever served.
import assert from 'node:assert/strict';
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { seededRandom } from '#test/support/seed.ts';
import type { LogRecord } from '../provider.ts';
import { SqliteEngine } from './sqlite-engine.ts';

const BATCHES = 8;
const PER_BATCH = 5;
const PAGE = 8_192;
const FRAME = PAGE + 24;
const directory = mkdtempSync(join(tmpdir(), 'windlass-damage-'));
const random = seededRandom();
after(() => rmSync(directory, { recursive: true }));

function records(batch: number): readonly LogRecord[] {
  return Array.from({ length: PER_BATCH }, (_unused, index) => {
    const revision = batch * PER_BATCH + index + 1;
    // Of all sizes, so that values lie within pages and across several.
    const value = Buffer.alloc(1 + ((revision * 977) % 20_000), `${revision} `);
    return { revision, kind: 'core/things', key: `k${revision % 13}`, value };
  });
}

/** What a process leaves that is killed after its last batch, and how long its log was after each. */
function killed(): { readonly path: string; readonly logAfter: readonly number[] } {
  const path = join(directory, 'live.db');
  const engine = new SqliteEngine(path, systemClock);
  engine.open();
  const { epoch } = engine.claim('m', 0);
  const logAfter: number[] = [];
  for (let batch = 0; batch < BATCHES; batch += 1) {
    engine.append([{ epoch, records: records(batch) }]);
    logAfter.push(readFileSync(`${path}-wal`).length);
  }
  const copy = join(directory, 'killed.db');
  for (const suffix of ['', '-wal']) copyFileSync(path + suffix, copy + suffix);
  engine.close(true);
  return { path: copy, logAfter };
}

/** What is served by a copy of the files, changed by `change`: how many batches, or the error. */
function opened(path: string, change: (copy: string) => void): number | Error {
  const copy = join(directory, 'copy.db');
  for (const suffix of ['', '-wal', '-shm', '-journal', '.lock'])
    rmSync(copy + suffix, { force: true });
  copyFileSync(path, copy);
  copyFileSync(`${path}-wal`, `${copy}-wal`);
  change(copy);
  const engine = new SqliteEngine(copy, systemClock);
  try {
    const { revision } = engine.open();
    const found: LogRecord[] = [];
    for (;;) {
      const page = engine.read(found.at(-1)?.revision ?? -1, false);
      if (page.length === 0) break;
      found.push(...page);
    }
    assert.equal(revision % PER_BATCH, 0, 'half a batch');
    const expected = Array.from({ length: revision / PER_BATCH }, (_unused, i) =>
      records(i),
    ).flat();
    assert.deepEqual(
      found.map(({ value, ...rest }) => ({ ...rest, value: Buffer.from(value ?? []) })),
      expected,
      'what is served is what was written',
    );
    return revision / PER_BATCH;
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    return error as Error;
  } finally {
    engine.close(false);
  }
}

function flip(file: string, offset: number): void {
  const bytes = readFileSync(file);
  bytes[offset] = (bytes[offset] ?? 0) ^ (1 << random.next(8));
  writeFileSync(file, bytes);
}

const { path, logAfter } = killed();
const end = logAfter.at(-1) ?? 0;
const beforeLast = logAfter.at(-2) ?? 0;

test('the files of a killed process hold every batch', () => {
  assert.equal(
    opened(path, () => undefined),
    BATCHES,
  );
});

test('a log that is cut off anywhere gives the batches before the cut', (t) => {
  t.diagnostic(`seed ${random.seed}`);
  const lengths = Array.from({ length: 60 }, () => random.next(end + 1));
  for (const length of [...logAfter, ...logAfter.map((at) => at - 1), 0, 31, 32, 33, ...lengths]) {
    const found = opened(path, (copy) => truncateSync(`${copy}-wal`, length));
    const whole = logAfter.filter((at) => at <= length).length;
    assert.equal(found, whole, `cut at ${length} of ${end}: ${String(found)}`);
  }
});

test('a bit that flips in the last transaction costs that one at most', (t) => {
  t.diagnostic(`seed ${random.seed}`);
  const offsets = Array.from({ length: 60 }, () => beforeLast + random.next(end - beforeLast));
  for (const offset of [beforeLast + 8, beforeLast + 16, beforeLast + 24, end - 1, ...offsets]) {
    // Page numbers and commit marks are what tells transactions apart: better refused than guessed.
    if ((offset - 32) % FRAME < 8) continue;
    const found = opened(path, (copy) => flip(`${copy}-wal`, offset));
    assert.equal(found, BATCHES - 1, `offset ${offset}: ${String(found)}`);
  }
});

test('a bit that flips in an earlier transaction is found, not taken for the end', (t) => {
  t.diagnostic(`seed ${random.seed}`);
  const frames = (beforeLast - 32) / FRAME;
  // Each header of a frame: page, commit mark, salts, checksums.
  const headers = Array.from({ length: frames }, (_unused, frame) =>
    [0, 3, 4, 7, 8, 15, 16, 23].map((byte) => 32 + frame * FRAME + byte),
  ).flat();
  const offsets = Array.from({ length: 60 }, () => random.next(beforeLast));
  for (const offset of [0, 8, 12, 16, 24, 31, ...headers, ...offsets]) {
    const found = opened(path, (copy) => flip(`${copy}-wal`, offset));
    assert.ok(found instanceof Error, `offset ${offset}: ${String(found)} batches were served`);
    assert.match(found.message, /copy\.db: .* is damaged.*backup/);
  }
});

test('pages of the last transaction that never reached the disk are its end, in any mixture', (t) => {
  t.diagnostic(`seed ${random.seed}`);
  for (let round = 0; round < 40; round += 1) {
    const found = opened(path, (copy) => {
      const bytes = readFileSync(`${copy}-wal`);
      let lost = 0;
      for (let at = beforeLast; at < end; at += 512) {
        if (random.next(3) > 0 && (lost > 0 || at + 512 < end)) continue;
        bytes.fill(0, at, Math.min(at + 512, end));
        lost += 1;
      }
      writeFileSync(`${copy}-wal`, bytes);
    });
    assert.equal(found, BATCHES - 1, `round ${round}: ${String(found)}`);
  }
});

test('a frame whose header lies in two sectors, of which one was lost, is no sign of a later transaction', () => {
  const long = join(directory, 'long.db');
  const engine = new SqliteEngine(long, systemClock);
  engine.open();
  const { epoch } = engine.claim('m', 0);
  engine.append([{ epoch, records: records(0) }]);
  const began = readFileSync(`${long}-wal`).length;
  const many = Array.from({ length: BATCHES * 3 }, (_unused, batch) => records(batch + 1)).flat();
  engine.append([{ epoch, records: many }]);
  const bytes = readFileSync(`${long}-wal`);
  const copy = join(directory, 'torn.db');
  copyFileSync(long, copy);
  engine.close(false);
  let across = 0;
  for (let at = began + FRAME; at < bytes.length; at += FRAME) {
    // Eight bytes, page and commit mark, in the sector before.
    if (at % 512 !== 504) continue;
    across += 1;
    for (const old of [0, 1]) {
      const torn = Buffer.from(bytes);
      torn.fill(0, at - 512, at);
      torn.writeUInt32BE(old, at);
      torn.writeUInt32BE(0, at + 4);
      writeFileSync(`${copy}-wal`, torn);
      assert.equal(
        opened(copy, () => undefined),
        1,
        `frame at ${at}`,
      );
    }
  }
  assert.ok(across > 0, `${bytes.length} bytes have no such frame`);
});

test('a bit that flips in the database file changes nothing that is served', (t) => {
  t.diagnostic(`seed ${random.seed}`);
  // All in one file: opened and closed as it should be.
  const settled = join(directory, 'settled.db');
  for (const suffix of ['', '-wal']) copyFileSync(path + suffix, settled + suffix);
  const engine = new SqliteEngine(settled, systemClock);
  engine.open();
  engine.close(true);
  writeFileSync(`${settled}-wal`, '');
  const size = readFileSync(settled).length;
  let refused = 0;
  for (let round = 0; round < 120; round += 1) {
    const offset = random.next(size);
    const found = opened(settled, (copy) => flip(copy, offset));
    // Free space, and bytes that nothing reads.
    if (found === BATCHES) continue;
    assert.ok(found instanceof Error, `offset ${offset}: ${String(found)} batches were served`);
    refused += 1;
  }
  assert.ok(refused > 10, `${refused} were found`);
});
