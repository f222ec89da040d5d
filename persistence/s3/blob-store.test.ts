// The BlobStore against a real S3 server, and what it makes of servers and networks that misbehave.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { systemClock } from '#platform/clock.ts';
import {
  GATEWAY_ENVIRONMENT,
  missingRadosGateway,
  startRadosGateway,
} from '#test/support/rados-gateway.ts';
import type { RadosGateway } from '#test/support/rados-gateway.ts';
import { eventually } from '#test/support/eventually.ts';
import { startFaultProxy } from '#test/support/s3-fault-proxy.ts';
import type { Fault, FaultProxy, SeenRequest } from '#test/support/s3-fault-proxy.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { needs } from '#test/support/missing-part.ts';
import { NothingWrittenError } from '../segments/blob-store.ts';
import { testBlobStore } from '../segments/blob-store-conformance.ts';
import type { TestFunction } from '../conformance-site.ts';
import { S3BlobStore } from './blob-store.ts';
import { makeS3Client } from './client.ts';
import { parseS3Url } from './url.ts';

Object.assign(process.env, GATEWAY_ENVIRONMENT);
const options = needs(missingRadosGateway());

let starting: Promise<RadosGateway> | undefined;
function theGateway(): Promise<RadosGateway> {
  starting ??= startRadosGateway().then(async (gateway) => {
    await gateway.createBucket('windlass-test');
    return gateway;
  });
  return starting;
}
after(async () => (await starting)?.[Symbol.asyncDispose]());

let sites = 0;
const withGateway: TestFunction = (name, body) => test(name, options, body);

interface Settings {
  readonly attemptMs?: number;
  readonly totalMs?: number;
  readonly clockOffsetMs?: number;
}

function storeAt(url: string, settings: Settings = {}): S3BlobStore {
  const { attemptMs = 5_000, totalMs = 30_000, clockOffsetMs } = settings;
  const where = parseS3Url(url);
  return new S3BlobStore({
    where,
    client: makeS3Client(where, clockOffsetMs),
    pace: { clock: systemClock, random: Math.random, attemptMs, totalMs },
    newId: () => randomBytes(8).toString('hex'),
  });
}

testBlobStore(withGateway, 's3', async () => {
  const { endpoint } = await theGateway();
  sites += 1;
  const url = `s3://windlass-test/site-${sites}?endpoint=${endpoint}`;
  return {
    open: async () => {
      const store = storeAt(url);
      await store.probe('f'.repeat(32));
      return store;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
});

interface Spoiled {
  readonly gateway: RadosGateway;
  readonly proxy: FaultProxy;
  /** Through the proxy. */
  readonly store: S3BlobStore;
  /** The same objects, past the proxy. */
  readonly truth: S3BlobStore;
}

/** A fresh prefix behind a proxy that spoils what the body says. */
function spoiled(
  name: string,
  body: (spoiled: Spoiled) => Promise<void>,
  settings?: Settings,
): void {
  void test(`s3 ${name}`, options, async () => {
    const gateway = await theGateway();
    await using proxy = await startFaultProxy(gateway);
    sites += 1;
    const url = `s3://windlass-test/site-${sites}?endpoint=`;
    await using store = storeAt(`${url}${proxy.endpoint}`, settings);
    await using truth = storeAt(`${url}${gateway.endpoint}`);
    await store.probe(MACHINE);
    await body({ gateway, proxy, store, truth });
  });
}

const MACHINE = 'a'.repeat(32);
/** Short, but not so short that a busy machine makes the difference. */
const QUICK = { attemptMs: 2_000, totalMs: 3_000 };
const PATIENT = { attemptMs: 1_000, totalMs: 30_000 };
const bytes = (text: string): Uint8Array => Buffer.from(text);

async function textOf(store: S3BlobStore, name: string): Promise<string | undefined> {
  const found = await store.get(name);
  return found === undefined ? undefined : Buffer.from(found.body).toString();
}

/** Spoils the first so many requests from now on that `matches`. */
function first(
  count: number,
  fault: Fault,
  matches: (request: SeenRequest) => boolean = () => true,
): (request: SeenRequest) => Fault | undefined {
  let left = count;
  return (request) => {
    if (left === 0 || !matches(request)) return undefined;
    left -= 1;
    return fault;
  };
}

for (const kind of ['cutBefore', 'resetBefore', 'stall'] as const) {
  spoiled(
    `creates in a second attempt what was lost on the way there (${kind})`,
    async ({ proxy, store, truth }) => {
      proxy.plan = first(1, { kind });
      assert.equal(await store.putIfAbsent('a', bytes('mine')), 'created');
      assert.equal(await textOf(truth, 'a'), 'mine');
    },
    PATIENT,
  );
}

spoiled('says of a create whose answer was lost that it exists, and it is there', async (at) => {
  at.proxy.plan = first(1, { kind: 'cutAfter' });
  assert.equal(await at.store.putIfAbsent('a', bytes('mine')), 'exists');
  assert.equal(await textOf(at.truth, 'a'), 'mine');
});

spoiled('tells its own replacement from that of another when the answer was lost', async (at) => {
  await at.store.put('a', bytes('old'));
  const tag = (await at.store.get('a'))?.tag ?? '';
  at.proxy.plan = first(1, { kind: 'cutAfter' });
  assert.equal(await at.store.put('a', bytes('mine'), tag), 'written');
  assert.equal(await textOf(at.truth, 'a'), 'mine');
  await at.truth.put('a', bytes('of another'));
  at.proxy.plan = first(1, { kind: 'cutBefore' });
  assert.equal(await at.store.put('a', bytes('mine again'), tag), 'mismatch');
  assert.equal(await textOf(at.truth, 'a'), 'of another');
});

spoiled('an attempt that arrives after its successor changes nothing', async (at) => {
  at.proxy.plan = first(1, { kind: 'late' });
  assert.equal(await at.store.putIfAbsent('a', bytes('mine')), 'created');
  await at.truth.delete('a');
  await at.truth.putIfAbsent('a', bytes('newer'));
  await at.proxy.release();
  assert.equal(await textOf(at.truth, 'a'), 'newer');
});

spoiled('outlasts a storm of 503 and refused connections', async ({ proxy, store, truth }) => {
  proxy.plan = first(6, { kind: 'status', status: 503, code: 'SlowDown' });
  assert.equal(await store.putIfAbsent('a', bytes('1')), 'created');
  proxy.plan = first(3, { kind: 'status', status: 500, code: 'InternalError' });
  assert.equal(await textOf(store, 'a'), '1');
  await proxy.down();
  const writing = store.putIfAbsent('b', bytes('2'));
  await assert.rejects(fetch(proxy.endpoint));
  await proxy.up();
  assert.equal(await writing, 'created');
  assert.equal(await textOf(truth, 'b'), '2');
});

spoiled('asks again after a conflict of two writers', async ({ proxy, store, truth }) => {
  const conflict = { kind: 'status', status: 409, code: 'ConditionalRequestConflict' } as const;
  proxy.plan = first(1, conflict);
  assert.equal(await store.putIfAbsent('a', bytes('1')), 'created');
  await truth.putIfAbsent('b', bytes('of another'));
  proxy.plan = first(1, conflict);
  assert.equal(await store.putIfAbsent('b', bytes('2')), 'exists');
});

spoiled('reads again what came cut short', async ({ proxy, store }) => {
  const body = Buffer.alloc(300_000, 'windlass ');
  await store.put('a', body);
  proxy.plan = first(2, { kind: 'truncate' }, ({ method }) => method === 'GET');
  assert.ok(body.equals(Buffer.from((await store.get('a'))?.body ?? [])));
});

spoiled('sorts what a store lists in another order, over pages', async ({ proxy, store }) => {
  const names = Array.from(
    { length: 1_030 },
    (_, index) => `wal/${String(index).padStart(6, '0')}`,
  );
  for (let start = 0; start < names.length; start += 50) {
    await Promise.all(names.slice(start, start + 50).map((name) => store.put(name, bytes(''))));
  }
  proxy.plan = () => ({ kind: 'reverseList' });
  const listed: string[] = [];
  for await (const { name } of store.list('wal', names[9])) listed.push(name);
  assert.deepEqual(listed, names.slice(10));
});

for (const kind of ['cutBefore', 'cutAfter'] as const) {
  spoiled(`puts large objects in parts, each of them again if need be (${kind})`, async (at) => {
    const body = Buffer.alloc((20 << 20) + 5, randomBytes(1 << 20));
    // The call that begins, a part in the middle and the call that completes.
    const spoils = ['^uploads', 'partNumber=2', '^uploadId'].map((query) =>
      first(1, { kind }, (request) => new RegExp(query).test(request.query)),
    );
    at.proxy.plan = (request) =>
      spoils.map((spoil) => spoil(request)).find((fault) => fault !== undefined);
    assert.equal(await at.store.put('large', body), 'written');
    assert.ok(body.equals(Buffer.from((await at.truth.get('large'))?.body ?? [])));
    at.proxy.plan = first(
      100,
      { kind: 'status', status: 403, code: 'AccessDenied' },
      ({ method }) => method === 'PUT',
    );
    await assert.rejects(at.store.put('large', Buffer.alloc(20 << 20)), /writing is not allowed/);
    assert.ok(body.equals(Buffer.from((await at.truth.get('large'))?.body ?? [])));
    const { Uploads } = await at.gateway.client.send(
      new ListMultipartUploadsCommand({ Bucket: 'windlass-test' }),
    );
    // A lost answer to the first call leaves one that nobody knows of.
    assert.equal(Uploads?.length ?? 0, kind === 'cutAfter' ? 1 : 0);
  });
}

for (const [what, fault, message] of [
  [
    'answers 503',
    { kind: 'status', status: 503, code: 'SlowDown' },
    /it answered 503 \(SlowDown, as the test says\)/,
  ],
  ['never answers', { kind: 'stall' }, /no answer within [\d.]+ s/],
  ['ends every connection', { kind: 'cutBefore' }, /socket hang up/],
  ['cuts every body', { kind: 'truncate' }, /site-\d+ at http/],
  [
    'thinks that it is another day',
    { kind: 'status', status: 403, code: 'RequestTimeTooSkewed' },
    /clocks of this machine and the store differ.*NTP/,
  ],
  [
    'allows nothing',
    { kind: 'status', status: 403, code: 'AccessDenied' },
    /reading is not allowed \(AccessDenied\).*s3:ListBucket/,
  ],
  [
    'lies elsewhere',
    { kind: 'status', status: 301, code: 'PermanentRedirect' },
    /another region.*region=/,
  ],
  ['has old keys', { kind: 'status', status: 400, code: 'ExpiredToken' }, /keys have expired/],
  [
    'knows no such verb',
    { kind: 'status', status: 501, code: 'NotImplemented' },
    /501 \(NotImplemented/,
  ],
] as const) {
  spoiled(
    `gives up in time and in words on a store that ${what}`,
    async ({ proxy, store, truth }) => {
      await truth.put('a', Buffer.alloc(9_000, 'a'));
      proxy.plan = () => fault;
      const error = { name: 'StorageUnreachableError', message };
      await assert.rejects(store.get('a'), error);
      const writing = await store.putIfAbsent('b', bytes('1')).catch((thrown: unknown) => thrown);
      const isTurnedAway = 'status' in fault && fault.status >= 300 && fault.status < 500;
      assert.equal(writing instanceof NothingWrittenError, isTurnedAway);
      proxy.plan = () => undefined;
      assert.equal((await store.get('a'))?.body.byteLength, 9_000);
    },
    QUICK,
  );
}

spoiled(
  'gives up on a store that is down, and finds it again',
  async ({ proxy, store }) => {
    await proxy.down();
    // Kept connections end one after the other; from then on nothing leaves this machine.
    await assert.rejects(store.get('a'), { name: 'StorageUnreachableError' });
    const error = await store.putIfAbsent('a', bytes('1')).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof NothingWrittenError);
    assert.match(error.message, /ECONNREFUSED/);
    await proxy.up();
    assert.equal(await store.putIfAbsent('a', bytes('1')), 'created');
  },
  QUICK,
);

spoiled('puts a wrong clock of this machine right', async ({ gateway }) => {
  const url = `s3://windlass-test/skewed?endpoint=${gateway.endpoint}`;
  for (const clockOffsetMs of [-7_200_000, 7_200_000]) {
    await using store = storeAt(url, { clockOffsetMs });
    await store.put('a', bytes('1'));
    assert.equal(await textOf(store, 'a'), '1');
  }
});

for (const [what, ignores, message] of [
  [
    'If-None-Match',
    (request: SeenRequest) => request.headers['if-none-match'] !== undefined,
    /ignores If-None-Match/,
  ],
  [
    'If-Match',
    (request: SeenRequest) => request.headers['if-match'] !== undefined,
    /ignores If-Match/,
  ],
  [
    'If-None-Match between writers at once',
    ({ path }: SeenRequest) => path.endsWith('-race'),
    /of 8 that created one object at once, 8 were told/,
  ],
] as const) {
  spoiled(`refuses a store that ignores ${what}`, async ({ proxy, store }) => {
    proxy.plan = (request) =>
      request.method === 'PUT' && ignores(request) ? { kind: 'ignoreConditions' } : undefined;
    await assert.rejects(store.probe(MACHINE), { name: 'ForeignDataError', message });
  });
}

spoiled('says in words which keys, bucket or certificate are wrong', async ({ gateway }) => {
  const refusal = async (url: string, message: RegExp): Promise<void> => {
    await using store = storeAt(`${url}?endpoint=${gateway.endpoint}`, QUICK);
    await assert.rejects(store.probe(MACHINE), { name: 'StorageUnreachableError', message });
  };
  await refusal(
    's3://no-such-bucket/x',
    /no such bucket; create it \(aws s3 mb s3:\/\/no-such-bucket --endpoint-url http:/,
  );
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = GATEWAY_ENVIRONMENT;
  try {
    process.env['AWS_SECRET_ACCESS_KEY'] = 'wrong';
    await refusal('s3://windlass-test/x', /SignatureDoesNotMatch.*AWS_SECRET_ACCESS_KEY/);
    process.env['AWS_ACCESS_KEY_ID'] = 'nobody';
    await refusal('s3://windlass-test/x', /does not know the access key \(InvalidAccessKeyId\)/);
    delete process.env['AWS_ACCESS_KEY_ID'];
    await refusal('s3://windlass-test/x', /no keys were found; set AWS_ACCESS_KEY_ID/);
  } finally {
    process.env['AWS_ACCESS_KEY_ID'] = id;
    process.env['AWS_SECRET_ACCESS_KEY'] = secret;
  }
  const tls = gateway.endpoint.replace('http:', 'https:');
  await using store = storeAt(`s3://windlass-test/x?endpoint=${tls}`, QUICK);
  await assert.rejects(store.probe(MACHINE), {
    message: /connection is not secure.*NODE_EXTRA_CA_CERTS/,
  });
});

spoiled('takes its keys from a file, also one of several profiles', async ({ gateway }) => {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = GATEWAY_ENVIRONMENT;
  const path = join(tempDir(), 'credentials');
  await writeFile(
    path,
    `[default]\naws_access_key_id = x\naws_secret_access_key = x\n[backup]\naws_access_key_id = ${id}\naws_secret_access_key = ${secret}\n`,
  );
  try {
    process.env['AWS_SHARED_CREDENTIALS_FILE'] = path;
    const url = `s3://windlass-test/profile?profile=backup&endpoint=${gateway.endpoint}`;
    await using store = storeAt(url);
    await store.probe(MACHINE);
    await using other = storeAt(url.replace('backup', 'others'), QUICK);
    await assert.rejects(other.probe(MACHINE), { message: /no keys were found.*section others/ });
  } finally {
    process.env['AWS_SHARED_CREDENTIALS_FILE'] = GATEWAY_ENVIRONMENT.AWS_SHARED_CREDENTIALS_FILE;
  }
});

spoiled(
  'says that the quota is used up, and goes on once it is raised',
  async ({ gateway, store }) => {
    const quota = (...args: readonly string[]): Promise<string> =>
      gateway.admin('quota', ...args, '--quota-scope=user', '--uid=test');
    await quota('set', '--max-objects=0');
    await quota('enable');
    try {
      await assert.rejects(store.putIfAbsent('a', bytes('1')), {
        name: 'StorageFullError',
        message: /QuotaExceeded/,
      });
    } finally {
      await quota('disable');
    }
    // The gateway keeps what it knows of its users for a while.
    await eventually('it stores again', async () => {
      await store.put('a', bytes('1'));
    });
  },
);
