// kill -9 at each named point of opening, committing, flowing back, closing, replacing and putting aside: what was acknowledged is there,
// nothing is there by halves, and the next opening goes on.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { FAILPOINTS } from './failpoints.ts';
import { SqliteEngine } from './sqlite-engine.ts';

const KEYS = 20;
const BYTES = 20_000;
/** Whose first time is of a file that is new. */
const FIRST = new Set<string>(FAILPOINTS.slice(0, 6));
/** Each point is reached three times long before. */
const ROUNDS = 60;
const root = mkdtempSync(join(tmpdir(), 'windlass-kill-'));
after(() => rmSync(root, { recursive: true }));

/**
 * Appends batches of three; at times lets the log flow back, compacts, closes, replaces the log by a copy and puts it aside. Prints what is durable, `aside` before the log may be aside and `back` when it is where it was; dies at a point's n-th time.
 */
function source(path: string, point: string, times: number): string {
  const file = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);
  return `
    import { rmSync, writeSync } from 'node:fs';
    const { systemClock } = await import(${file('../../platform/clock.ts')});
    const { SqliteEngine } = await import(${file('sqlite-engine.ts')});
    let left = ${times};
    const at = (point) => {
      if (point === '${point}' && --left === 0) process.kill(process.pid, 'SIGKILL');
    };
    const open = () => {
      const engine = new SqliteEngine(${JSON.stringify(path)}, systemClock, at);
      engine.open();
      return engine;
    };
    const pages = () => {
      const found = [];
      for (let after = -1; ;) {
        const page = engine.read(after, false);
        if (page.length === 0) return found;
        found.push(page);
        after = page.at(-1).revision;
      }
    };
    const restore = (cursor, all) => {
      engine.beginRestore(cursor);
      for (const page of all) engine.addRestored(page);
      engine.endRestore();
    };
    let engine = open();
    let { epoch, revision } = engine.claim('m', 0);
    for (let round = 1; round < ${ROUNDS}; round += 1) {
      const records = [1, 2, 3].map((step) => {
        const at = revision + step;
        return { revision: at, kind: 'k', key: 'k' + (at % ${KEYS}), value: Buffer.alloc(${BYTES}, at + ' ') };
      });
      const [failure] = engine.append([{ epoch, records }]);
      if (failure !== undefined) throw new Error(JSON.stringify(failure));
      revision += 3;
      writeSync(1, revision + '\\n');
      engine.committed();
      if (round % 2 === 0) engine.makeRoom();
      if (round % 3 === 0) while (!engine.compact(revision - 5));
      if (round % 4 === 1) restore(engine.cursor(), pages());
      if (round % 4 === 2) {
        engine.close(true);
        engine = open();
      }
      if (round % 4 === 3) {
        const cursor = engine.cursor();
        const all = pages();
        writeSync(1, 'aside\\n');
        const aside = engine.setAside(epoch);
        restore(cursor, all);
        writeSync(1, 'back\\n');
        rmSync(aside);
      }
    }`;
}

interface Died {
  /** The newest revision that it said is durable. */
  readonly acknowledged: number;
  /** Whether the log may be aside. */
  readonly isAside: boolean;
}

async function die(path: string, point: string, times: number): Promise<Died> {
  const args = ['--input-type=module', '-e', source(path, point, times)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => {
    child.on('exit', (_code, signal) => resolve(signal));
  });
  let acknowledged = 0;
  let isAside = false;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'aside' || line === 'back') isAside = line === 'aside';
    else acknowledged = Number(line);
  }
  assert.equal(await ended, 'SIGKILL', `${point} was never reached ${times} times`);
  return { acknowledged, isAside };
}

/** Opens it as a start does. @returns its newest revision */
function check(path: string, acknowledged: number, what: string): number {
  const engine = new SqliteEngine(path, systemClock);
  const { revision, compacted } = engine.open();
  try {
    if (revision === 0) return 0;
    assert.ok(revision >= acknowledged, `${what}: acknowledged ${acknowledged}, found ${revision}`);
    assert.equal(revision % 3, 0, `${what}: half a batch`);
    const newest = new Map<string, number>();
    const changes: number[] = [];
    let last = -1;
    for (;;) {
      const page = engine.read(last, false);
      if (page.length === 0) break;
      for (const record of page) {
        const value = Buffer.from(record.value ?? []);
        assert.ok(value.equals(Buffer.alloc(BYTES, `${record.revision} `)), what);
        newest.set(record.key, record.revision);
        if (record.revision > compacted) changes.push(record.revision);
      }
      last = page.at(-1)?.revision ?? last;
    }
    const all = Array.from({ length: revision - compacted }, (_, index) => compacted + 1 + index);
    assert.deepEqual(changes, all, what);
    const live = Array.from({ length: Math.min(KEYS, revision) }, (_, index) => revision - index);
    assert.deepEqual(
      [...newest.values()].toSorted((a, b) => b - a),
      live,
      what,
    );
    // It goes on.
    const { epoch } = engine.claim('next', 0);
    const next = { revision: revision + 1, kind: 'k', key: 'next', value: Buffer.from('1') };
    assert.deepEqual(engine.append([{ epoch, records: [next] }]), [undefined], what);
    return revision;
  } finally {
    engine.close(true);
  }
}

for (const point of FAILPOINTS) {
  test(`kill -9 ${point} loses nothing that was acknowledged in a database`, async () => {
    for (const times of FIRST.has(point) ? [1, 3] : [3]) {
      const what = `${point} × ${times}`;
      const folder = mkdtempSync(join(root, `${point}-`));
      const path = join(folder, 'state.db');
      const { acknowledged, isAside } = await die(path, point, times);
      const revision = check(path, acknowledged, what);
      const beside = readdirSync(folder).filter((name) => !/^state\.db(?:\.lock)?$/.test(name));
      if (revision === 0 && acknowledged > 0) {
        assert.ok(isAside, `${what}: everything is gone`);
        assert.equal(beside.length, 1, `${what}: ${beside.join(' ')}`);
        const [aside = ''] = beside;
        assert.ok(check(join(folder, aside), acknowledged, what) >= acknowledged, what);
      } else {
        const left = beside.filter((name) => !/\.aside-e\d+-r\d+$/.test(name));
        assert.deepEqual(left, [], what);
      }
    }
  });
}
