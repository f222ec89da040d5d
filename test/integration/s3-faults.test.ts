// The S3 provider while the network and the store misbehave: each acknowledged write is there afterwards, none that failed is, and
// of two that write at once exactly one goes on.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { S3PersistenceProvider } from '#persistence/s3/provider.ts';
import { systemClock } from '#platform/clock.ts';
import { eventually } from '#test/support/eventually.ts';
import { needs } from '#test/support/missing-part.ts';
import {
  GATEWAY_ENVIRONMENT,
  missingRadosGateway,
  startRadosGateway,
} from '#test/support/rados-gateway.ts';
import type { RadosGateway } from '#test/support/rados-gateway.ts';
import { judge, RecordedWriter, valuesOf } from '#test/support/recorded-writer.ts';
import type { Promises } from '#test/support/recorded-writer.ts';
import { seededRandom } from '#test/support/seed.ts';
import { startFaultProxy } from '#test/support/s3-fault-proxy.ts';
import type { Fault, FaultProxy, SeenRequest } from '#test/support/s3-fault-proxy.ts';

Object.assign(process.env, GATEWAY_ENVIRONMENT);
const options = needs(missingRadosGateway());
/** Short enough for a test to wait, long enough for a busy machine. */
const DEADLINES = { attemptMs: 2_000, totalMs: 4_500 };
/** Where nothing shall fail: attempts end early only where one gets no answer. */
const PATIENT = { attemptMs: 20_000, totalMs: 60_000 };

let starting: Promise<RadosGateway> | undefined;
function theGateway(): Promise<RadosGateway> {
  starting ??= startRadosGateway().then(async (gateway) => {
    await gateway.createBucket('faults');
    return gateway;
  });
  return starting;
}
after(async () => (await starting)?.[Symbol.asyncDispose]());

let prefixes = 0;

interface Scene {
  readonly gateway: RadosGateway;
  readonly proxy: FaultProxy;
  /** Through the proxy; it holds the epoch. */
  readonly writer: RecordedWriter;
  readonly promises: Promises;
  /** Another process's view, past the proxy. */
  readonly open: () => S3PersistenceProvider;
  readonly url: string;
}

function scene(
  name: string,
  body: (scene: Scene) => Promise<void>,
  { mayBeUnknown = false, deadlines: ours = DEADLINES } = {},
): void {
  void test(name, options, async () => {
    const gateway = await theGateway();
    await using proxy = await startFaultProxy(gateway);
    prefixes += 1;
    const url = (endpoint: string): string => `s3://faults/p${prefixes}?endpoint=${endpoint}`;
    const opened: S3PersistenceProvider[] = [];
    const open = (endpoint: string, deadlines = ours): S3PersistenceProvider => {
      const urls = [url(endpoint)];
      const provider = new S3PersistenceProvider({ urls, clock: systemClock, deadlines });
      opened.push(provider);
      return provider;
    };
    const promises: Promises = new Map();
    const writer = new RecordedWriter('a', open(proxy.endpoint), promises);
    try {
      await writer.takeOver();
      const direct = (): S3PersistenceProvider => open(gateway.endpoint, PATIENT);
      await body({ gateway, proxy, writer, promises, open: direct, url: url(gateway.endpoint) });
      const reader = new RecordedWriter('reader', direct());
      await reader.takeOver();
      judge(await valuesOf(reader.provider, reader.instance), promises, { mayBeUnknown });
    } finally {
      proxy.plan = () => undefined;
      for (const provider of opened) await provider[Symbol.asyncDispose]();
    }
  });
}

function isSegment({ method, path }: SeenRequest): boolean {
  return method === 'PUT' && path.includes('/wal/');
}

/** Every so many of the segments that are written. */
function each(period: number, fault: Fault): (request: SeenRequest) => Fault | undefined {
  let count = 0;
  return (request) => {
    if (!isSegment(request)) return undefined;
    count += 1;
    return count % period === 0 ? fault : undefined;
  };
}

async function acknowledge(writer: RecordedWriter, writes: number): Promise<void> {
  for (let count = 0; count < writes; count += 1) {
    assert.equal(await writer.write(), 'acknowledged', writer.lastMessage);
  }
}

for (const fault of [
  { kind: 'cutAfter' },
  { kind: 'cutBefore' },
  { kind: 'resetBefore' },
  { kind: 'stall' },
  { kind: 'late' },
  { kind: 'delay', milliseconds: 50 },
  { kind: 'status', status: 503, code: 'SlowDown' },
  { kind: 'status', status: 409, code: 'ConditionalRequestConflict' },
] as const) {
  const what = fault.kind === 'status' ? fault.code : fault.kind;
  const isSilent = fault.kind === 'stall' || fault.kind === 'late';
  const attemptMs = isSilent ? DEADLINES.attemptMs : PATIENT.attemptMs;
  scene(
    `every third segment meets ${what}: nobody notices`,
    async ({ proxy, writer }) => {
      proxy.plan = each(3, fault);
      await acknowledge(writer, fault.kind === 'stall' ? 6 : 30);
      await proxy.release();
      await acknowledge(writer, 3);
    },
    { deadlines: { ...PATIENT, attemptMs } },
  );
}

/**
 * One fault for each attempt at the next segment until its writer gives up. What it then puts at the same number, to find out what
 * became of it, has another length and another fault.
 */
function untilGivenUp(
  fault: Fault,
  then?: Fault,
): { readonly plan: FaultProxy['plan']; readonly hasGivenUp: boolean } {
  let stuck: SeenRequest | undefined;
  let hasGivenUp = false;
  return {
    plan: (request) => {
      if (!isSegment(request) || hasGivenUp) return undefined;
      stuck ??= request;
      if (request.headers['content-length'] === stuck.headers['content-length']) return fault;
      hasGivenUp = true;
      return then;
    },
    get hasGivenUp() {
      return hasGivenUp;
    },
  };
}

scene('a segment that arrives after it was given up stays out', async ({ proxy, writer }) => {
  await acknowledge(writer, 3);
  proxy.plan = untilGivenUp({ kind: 'late' }).plan;
  assert.equal(await writer.write(), 'failed', writer.lastMessage);
  assert.ok(proxy.waiting > 0);
  await proxy.release();
  await acknowledge(writer, 3);
});

scene('a segment that arrives while its writer looks for it counts', async ({ proxy, writer }) => {
  await acknowledge(writer, 3);
  const attempts = untilGivenUp({ kind: 'late' }, { kind: 'hold' });
  proxy.plan = attempts.plan;
  const writing = writer.write();
  await eventually('it looks', () => {
    assert.ok(attempts.hasGivenUp);
  });
  // In the order in which they came.
  await proxy.release();
  assert.equal(await writing, 'acknowledged', writer.lastMessage);
  await acknowledge(writer, 3);
});

scene('a storm of 503 refuses a write; after it they go on', async ({ proxy, writer }) => {
  await acknowledge(writer, 3);
  proxy.plan = untilGivenUp({ kind: 'status', status: 503, code: 'SlowDown' }).plan;
  assert.equal(await writer.write(), 'failed', writer.lastMessage);
  assert.match(writer.lastMessage, /it answered 503 \(SlowDown/);
  await acknowledge(writer, 3);
});

scene(
  'a store that is down for long takes the instance down, and opening it again heals it',
  async ({ proxy, writer }) => {
    await acknowledge(writer, 3);
    await proxy.down();
    assert.notEqual(await writer.write(), 'acknowledged');
    assert.match(writer.lastMessage, /ECONNREFUSED/);
    await proxy.up();
    await writer.takeOver();
    await acknowledge(writer, 3);
  },
  { mayBeUnknown: true },
);

scene('a full store refuses writes; with room again they go on', async ({ proxy, writer }) => {
  await acknowledge(writer, 3);
  const full = { kind: 'status', status: 403, code: 'QuotaExceeded' } as const;
  proxy.plan = (request) => (isSegment(request) ? full : undefined);
  assert.equal(await writer.write(), 'failed');
  assert.equal(writer.lastError?.name, 'StorageFullError');
  assert.equal(writer.provider.instanceStatus(writer.instance).status, true);
  // The first attempt gets stuck on the way, so that the second one's refusal says nothing about it.
  let isFirst = true;
  const { plan: refuse } = untilGivenUp(full);
  proxy.plan = (request) => {
    const fault = refuse(request);
    if (fault === undefined || !isFirst) return fault;
    isFirst = false;
    return { kind: 'late' };
  };
  assert.equal(await writer.write(), 'failed');
  await proxy.release();
  proxy.plan = () => undefined;
  await acknowledge(writer, 3);
});

scene('a store that hangs is waited for', async ({ gateway, proxy, writer }) => {
  await acknowledge(writer, 3);
  const before = proxy.requests.length;
  gateway.signal('SIGSTOP');
  const writing = writer.write();
  await eventually('it has asked', () => {
    assert.ok(proxy.requests.length > before);
  });
  gateway.signal('SIGCONT');
  assert.equal(await writing, 'acknowledged', writer.lastMessage);
});

scene('cut bodies are read again', async ({ proxy, writer }) => {
  await acknowledge(writer, 20);
  let count = 0;
  proxy.plan = ({ method }) => {
    count += method === 'GET' ? 1 : 0;
    return method === 'GET' && count % 2 === 0 ? { kind: 'truncate' } : undefined;
  };
  assert.equal((await valuesOf(writer.provider, writer.instance)).length, 40);
});

scene('changed bodies are never served', async ({ proxy, writer }) => {
  await acknowledge(writer, 3);
  proxy.plan = ({ path }) => (path.includes('/wal/') ? { kind: 'corrupt' } : undefined);
  await assert.rejects(valuesOf(writer.provider, writer.instance), { name: 'CorruptDataError' });
});

scene('a store that starts to ignore conditions is refused when it is opened', async (scene_) => {
  const { proxy, writer } = scene_;
  await acknowledge(writer, 3);
  proxy.plan = ({ method, headers }) =>
    method === 'PUT' && headers['if-none-match'] !== undefined
      ? { kind: 'ignoreConditions' }
      : undefined;
  await writer.provider[Symbol.asyncDispose]();
  await assert.rejects(writer.takeOver(), {
    name: 'ForeignDataError',
    message: /ignores If-None-Match/,
  });
});

scene('a writer whose segment is under way while another takes over has lost', async (scene_) => {
  const { proxy, writer, promises, open } = scene_;
  for (let round = 0; round < 5; round += 1) {
    await acknowledge(writer, 2);
    proxy.plan = (request) => (isSegment(request) ? { kind: 'hold' } : undefined);
    const writing = writer.write();
    await eventually('it is under way', () => {
      assert.ok(proxy.waiting > 0);
    });
    const other = new RecordedWriter(`b${round}`, open(), promises);
    await other.takeOver();
    await acknowledge(other, 2);
    proxy.plan = () => undefined;
    await proxy.release();
    assert.equal(await writing, 'failed');
    assert.equal(writer.lastError?.name, 'EpochLostError');
    assert.equal(await writer.write(), 'failed');
    await acknowledge(other, 2);
    await writer.takeOver();
    assert.equal(await other.write(), 'failed');
  }
});

scene('of writers that take over from each other all the time one history is left', async (at) => {
  const writers = ['b', 'c', 'd'].map((name) => new RecordedWriter(name, at.open(), at.promises));
  await Promise.all(
    [at.writer, ...writers].map(async (writer) => {
      for (let round = 0; round < 4; round += 1) {
        await writer.takeOver();
        for (let count = 0; count < 10; count += 1) {
          if ((await writer.write()) !== 'acknowledged') break;
        }
      }
    }),
  );
});

scene(
  'everything at random: promises are kept',
  async ({ proxy, writer }) => {
    const random = seededRandom();
    const { seed } = random;
    const faults: readonly Fault[] = [
      { kind: 'cutAfter' },
      { kind: 'cutBefore' },
      { kind: 'resetBefore' },
      { kind: 'late' },
      { kind: 'truncate' },
      { kind: 'delay', milliseconds: 20 },
      { kind: 'status', status: 500, code: 'InternalError' },
      { kind: 'status', status: 503, code: 'SlowDown' },
      { kind: 'status', status: 409, code: 'ConditionalRequestConflict' },
    ];
    proxy.plan = () => (random.next(10) < 3 ? faults[random.next(faults.length)] : undefined);
    let acknowledged = 0;
    for (let count = 0; count < 150; count += 1) {
      const outcome = await writer.write();
      if (outcome === 'acknowledged') acknowledged += 1;
      if (outcome === 'unknown') {
        await eventually('it opens again', () => writer.takeOver());
      }
      if (count % 10 === 0) await proxy.release();
    }
    assert.ok(acknowledged > 100, `${acknowledged} of 150 with seed ${seed}`);
    proxy.plan = () => undefined;
    await proxy.release();
    const values = await valuesOf(writer.provider, writer.instance);
    judge(values, writer.promises, { mayBeUnknown: true, hint: `(seed ${seed})` });
  },
  { mayBeUnknown: true },
);

/** A process that takes over and writes until it may not, and tells of each write that was acknowledged. */
const WRITER = new URL('../support/s3-writer-process.ts', import.meta.url).pathname;

async function startWriter(name: string, url: string) {
  const child = spawn(process.execPath, [WRITER, name, url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const acknowledged: string[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => acknowledged.push(line));
  const exit = Promise.all([once(child, 'exit'), once(lines, 'close')]);
  await eventually('it writes', () => {
    assert.ok(acknowledged.length > 5);
  });
  return { child, acknowledged, exit };
}

scene(
  'a writer that was stopped for a while finds that another has taken over',
  async ({ writer, promises, url }) => {
    for (let round = 0; round < 3; round += 1) {
      const { child, acknowledged, exit } = await startWriter(`p${round}`, url);
      child.kill('SIGSTOP');
      await writer.takeOver();
      await acknowledge(writer, 5);
      child.kill('SIGCONT');
      await exit;
      assert.equal(child.exitCode, 0);
      assert.equal(acknowledged.pop(), 'EpochLostError');
      for (const value of acknowledged) promises.set(value, 'acknowledged');
      await acknowledge(writer, 5);
      allowExtra(promises, await valuesOf(writer.provider, writer.instance), `p${round}`, 0);
    }
  },
);

scene(
  'a writer that is killed leaves all that it was told',
  async ({ writer, promises, url }) => {
    for (let round = 0; round < 5; round += 1) {
      const { child, acknowledged, exit } = await startWriter(`k${round}`, url);
      child.kill('SIGKILL');
      await exit;
      for (const value of acknowledged) promises.set(value, 'acknowledged');
      await writer.takeOver();
      await acknowledge(writer, 2);
      // The write under way when it died may be there: nobody was told.
      allowExtra(promises, await valuesOf(writer.provider, writer.instance), `k${round}`, 1);
    }
  },
  { mayBeUnknown: true },
);

/** Of a process that is gone: what it wrote beyond what it told is at most so many writes, and those are nobody's promise. */
function allowExtra(
  promises: Promises,
  values: readonly string[],
  name: string,
  most: number,
): void {
  const extra = values.filter((value) => value.startsWith(`${name}-`) && !promises.has(value));
  assert.ok(extra.length <= most, `${extra.join(', ')} was never acknowledged`);
  for (const value of extra) promises.set(value, 'unknown');
}
