import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '#platform/clock.ts';
import { decodeBatch, encodeBatch } from '../encoding.ts';
import type { LogRecord } from '../provider.ts';
import { catchUp } from './catching-up.ts';
import type { CatchingUp } from './catching-up.ts';
import { Tail } from './tail.ts';

const PAGE = 100;
const READ_MS = 10;

function record(revision: number): LogRecord {
  return { revision, kind: 'k', key: 'x', value: Buffer.from('v') };
}

interface Caught {
  readonly reached: number;
  readonly head: number;
  /** Turns of the time that reading a page takes. */
  readonly pauses: readonly number[];
}

/** Catches up from 0 with a primary at 2,000 that takes so many writes a second; memory holds the last 500. */
async function caught(writesPerSecond: number, isAwaited = false): Promise<Caught> {
  let now = 0;
  const pauses: number[] = [];
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    schedule: (delayMs, callback) => {
      pauses.push(delayMs / READ_MS);
      now += delayMs;
      const immediate = setImmediate(callback);
      return () => clearImmediate(immediate);
    },
  };
  const head = (): number => 2_000 + Math.floor((now * writesPerSecond) / 1000);
  const tail = new Tail();
  let held = 1_500;
  const grow = (): void => {
    for (; held < head(); held += 1)
      tail.push({
        base: held,
        last: held + 1,
        batch: encodeBatch({ epoch: 1, records: [record(held + 1)] }),
        at: now,
      });
    tail.trim(head() - 500);
  };
  async function* readFrom(_: string, from: number): AsyncIterable<readonly LogRecord[]> {
    for (let at = from; at < head();) {
      now += READ_MS;
      grow();
      const count = Math.min(PAGE, head() - at);
      yield Array.from({ length: count }, (__, index) => record(at + index + 1));
      at += count;
    }
  }
  let reached = 0;
  const options = {
    source: { name: 'primary', provider: { readFrom } },
    target: {
      name: 'replica',
      provider: {
        append: (_: string, batch: ArrayBuffer) => {
          const { records } = decodeBatch(batch);
          assert.equal(records[0]?.revision, reached + 1);
          reached = records.at(-1)?.revision ?? reached;
          return Promise.resolve();
        },
      },
    },
    token: 1,
    signal: new AbortController().signal,
    log: {
      get head() {
        return { revision: head() };
      },
      tail,
      isAwaited: () => isAwaited,
    },
    clock,
    onProgress: () => undefined,
  };
  await catchUp(options as unknown as CatchingUp, 0);
  return { reached, head: head(), pauses };
}

test('catchUp() pauses while writers need the primary', async () => {
  const { reached, head, pauses } = await caught(50);
  assert.ok(pauses.length > 5);
  assert.ok(pauses.every((pause) => pause === 40));
  assert.ok(head - reached <= 500);
});

test('catchUp() pauses less while writers stay faster, and arrives', async () => {
  const { reached, head, pauses } = await caught(1_000);
  assert.ok(head - reached <= 500, `${head - reached} behind`);
  // A burst of ten seconds pays no more than the first share: pages and pauses of 410 ms.
  assert.ok(pauses.slice(0, 24).every((pause) => pause === 40));
  assert.ok((pauses.at(-1) ?? 40) < 10);
});

test('catchUp() does not pause without writers, nor for a replica that somebody waits for', async () => {
  assert.deepEqual((await caught(0)).pauses, []);
  assert.deepEqual((await caught(500, true)).pauses, []);
});
