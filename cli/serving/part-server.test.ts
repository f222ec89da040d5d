import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';

import { newServingCertificate } from '#controlplane/serving-certificate.ts';
import { systemClock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { ask } from './ask-fixture.ts';
import { PartServer } from './part-server.ts';
import type { PartServerOptions } from './part-server.ts';

const OPTIONS: PartServerOptions = {
  address: { host: '127.0.0.1', port: 0, isLoopback: true },
  expose: () => Promise.resolve('up 1\n'),
  contentType: 'text/plain; version=0.0.4',
  logger: silentLogger,
};

test('health is for everybody, and ready only once it was said', async (t) => {
  const server = await PartServer.start(OPTIONS);
  t.after(() => server.close());
  const status = async (path: string): Promise<number> =>
    (await ask(`${server.url}${path}`)).status;
  assert.deepEqual(
    [await status('/livez'), await status('/healthz'), await status('/readyz?verbose')],
    [200, 500, 500],
  );
  server.ready();
  assert.deepEqual([await status('/healthz'), await status('/readyz')], [200, 200]);
  assert.equal(await status('/'), 404);
  assert.equal((await ask(`${server.url}/readyz`, {}, 'POST')).status, 405);
  assert.equal((await ask(`${server.url}/readyz`, {}, 'HEAD')).text, '');
});

test('on loopback metrics are for everybody on the machine; what cannot be measured is a failure', async (t) => {
  let expose = OPTIONS.expose;
  const server = await PartServer.start({ ...OPTIONS, expose: () => expose() });
  t.after(() => server.close());
  assert.deepEqual(await ask(`${server.url}/metrics`), {
    status: 200,
    type: 'text/plain; version=0.0.4',
    text: 'up 1\n',
  });
  expose = () => Promise.reject(new Error('secret detail'));
  const { status, text } = await ask(`${server.url}/metrics`);
  assert.equal(status, 500);
  assert.doesNotMatch(text, /secret/);
});

test('elsewhere metrics are for those whom the API server lets read them', async (t) => {
  const asked: string[] = [];
  const verdicts = { reader: 'allowed', other: 'forbidden' } as const;
  const server = await PartServer.start({
    ...OPTIONS,
    secure: {
      ...(await newServingCertificate('127.0.0.1', systemClock)),
      access: {
        mayGet(token, path) {
          asked.push(`${token} ${path}`);
          if (token === 'fails') return Promise.reject(new Error('no server'));
          return Promise.resolve(verdicts[token as keyof typeof verdicts] ?? 'unknown');
        },
      },
    },
  });
  t.after(() => server.close());
  server.ready();
  const status = async (authorization?: string): Promise<number> =>
    (await ask(`${server.url}/metrics`, authorization === undefined ? {} : { authorization }))
      .status;
  assert.match(server.url, /^https:/);
  assert.equal(await status('Bearer reader'), 200);
  assert.equal(await status('bearer reader'), 200);
  assert.equal(await status('Bearer other'), 403);
  assert.equal(await status('Bearer nobody'), 401);
  assert.equal(await status('Bearer fails'), 500);
  const before = asked.length;
  assert.equal(await status(), 401);
  assert.equal(await status('Basic reader'), 401);
  assert.equal(await status('Bearer two words'), 401);
  assert.equal(asked.length, before, 'nobody is asked about what is no token');
  assert.equal((await ask(`${server.url}/readyz`)).status, 200);
});

test('an address that is taken is named', async (t) => {
  const taken = createServer();
  await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done));
  t.after(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const address = { ...OPTIONS.address, port };
  await assert.rejects(
    PartServer.start({ ...OPTIONS, address }),
    /--metrics-bind: cannot listen on 127\.0\.0\.1 port \d+: .*EADDRINUSE/,
  );
});
