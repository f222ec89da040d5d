// How a push goes on when the way to the machine breaks, or what was sent is removed there. The machine is one in memory.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConnectionError, RequestError } from '#controllers/machinery/request-error.ts';
import { systemClock } from '#platform/clock.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { NodeCalls } from './node-calls.ts';
import { pushToNode } from './push-to-node.ts';
import type { Pushed, PushStep } from './push-to-node.ts';

const LAYER = Buffer.alloc(5 << 20, 'layer');
const CONFIG = Buffer.from('{}');
const digestOf = (bytes: Buffer): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const { signal } = new AbortController();
/** No waiting between attempts. */
const clock = {
  ...systemClock,
  schedule: (_: number, callback: () => void) => {
    queueMicrotask(callback);
    return () => undefined;
  },
};

interface Machine {
  readonly blobs: Map<string, Buffer>;
  readonly calls: string[];
  loaded: boolean;
  /** Called before each call is answered; may throw. */
  hook: (call: string, index: number) => void;
}

function machine(): Machine & { readonly client: ConstructorParameters<typeof NodeCalls>[0] } {
  const made: Machine = { blobs: new Map(), calls: [], loaded: false, hook: () => undefined };
  const postBytes = (path: string, body: Uint8Array): Promise<unknown> => {
    const url = new URL(path, 'http://server');
    const call = url.pathname.split('/').at(-1) ?? '';
    made.calls.push(call);
    made.hook(call, made.calls.length - 1);
    if (call === 'blob') {
      const digest = url.searchParams.get('digest') ?? '';
      const before = made.blobs.get(digest) ?? Buffer.alloc(0);
      if (Number(url.searchParams.get('offset')) === before.length)
        made.blobs.set(digest, Buffer.concat([before, body]));
      return Promise.resolve({ received: made.blobs.get(digest)?.length ?? 0 });
    }
    const received = made.blobs.get(digestOf(LAYER))?.length ?? 0;
    const isWhole = received === LAYER.length;
    if (call === 'plan') {
      const missing = isWhole ? [] : [{ digest: digestOf(LAYER), received }];
      return Promise.resolve({ state: made.loaded ? 'present' : 'absent', blobs: missing });
    }
    made.loaded = isWhole && made.blobs.has(digestOf(CONFIG));
    return Promise.resolve({ state: made.loaded ? 'loaded' : 'missing' });
  };
  return Object.assign(made, { client: { postBytes } });
}

async function push(to: ReturnType<typeof machine>, steps: PushStep[] = []): Promise<Pushed> {
  const path = join(tempDir(), 'layer.tar');
  writeFileSync(path, LAYER);
  return pushToNode(
    {
      calls: new NodeCalls({ postBytes: async (...call) => to.client.postBytes(...call) }, 'm1'),
      image: { id: digestOf(CONFIG), layers: [digestOf(LAYER)], sizeBytes: LAYER.length },
      name: 'app:1',
      parts: {
        ensure: () => Promise.resolve(),
        layer: () => Promise.resolve({ path, size: LAYER.length }),
        config: CONFIG,
      },
      clock,
      progress: (step) => void steps.push(step),
    },
    signal,
  );
}

test('a push sends pieces, the configuration, and has it loaded; the next finds it there', async () => {
  const to = machine();
  assert.deepEqual(await push(to), { sent: 1, bytes: LAYER.length, present: false });
  assert.deepEqual(to.calls, ['plan', 'blob', 'blob', 'blob', 'blob', 'load']);
  assert.deepEqual(to.blobs.get(digestOf(LAYER)), LAYER);
  assert.deepEqual(await push(to), { sent: 0, bytes: 0, present: true });
});

for (const { title, error } of [
  {
    title: 'the agent is gone for a moment',
    error: new RequestError(503, 'ServiceUnavailable', 'not connected'),
  },
  { title: 'the server is gone for a moment', error: new ConnectionError('reset') },
]) {
  test(`when ${title}, what has arrived is not sent again`, async () => {
    const to = machine();
    to.hook = (_, index) => {
      if (index === 2 || index === 3) throw error;
    };
    const steps: PushStep[] = [];
    const { bytes } = await push(to, steps);
    assert.equal(to.loaded, true);
    assert.ok(bytes < LAYER.length);
    assert.deepEqual(to.blobs.get(digestOf(LAYER)), LAYER);
    assert.deepEqual(to.calls.slice(0, 6), ['plan', 'blob', 'blob', 'plan', 'plan', 'blob']);
    assert.equal(steps.filter(({ step }) => step === 'retry').length, 2);
  });
}

test('what does not pass is not tried again, and a machine that stays away is given up', async () => {
  const full = machine();
  full.hook = (call) => {
    if (call === 'blob') throw new RequestError(507, 'InsufficientStorage', 'the disk is full');
  };
  await assert.rejects(push(full), /the disk is full/);
  assert.deepEqual(full.calls, ['plan', 'blob']);
  const away = machine();
  away.hook = () => {
    throw new ConnectionError('nobody there');
  };
  await assert.rejects(push(away), /nobody there/);
  assert.equal(away.calls.length, 5);
});

test('what was removed there before it was loaded is sent again', async () => {
  const to = machine();
  let removed = false;
  to.hook = (call) => {
    if (call === 'load' && !removed) {
      removed = true;
      to.blobs.clear();
    }
  };
  await push(to);
  assert.equal(to.loaded, true);
  to.loaded = false;
  to.hook = (call) => {
    if (call === 'load') to.blobs.clear();
  };
  await assert.rejects(push(to), /again and again/);
});

test('an agent with words of its own is not believed', async () => {
  for (const answer of [
    null,
    {},
    { state: 'absent', blobs: [{ digest: '../x', received: 0 }] },
    { state: 'absent' },
  ]) {
    const calls = new NodeCalls({ postBytes: () => Promise.resolve(answer) }, 'm1');
    await assert.rejects(
      calls.plan({ id: 'i', name: 'n', layers: [digestOf(LAYER)] }, signal),
      /something unknown/,
    );
  }
});
