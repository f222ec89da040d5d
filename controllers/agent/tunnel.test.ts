import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { systemClock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { parseOpen, SessionError } from './session-request.ts';
import type { LogRequest } from './session-request.ts';
import { runTunnel } from './tunnel.ts';

const session = '0123456789abcdef0123456789abcdef';
const names = { namespace: 'default', pod: 'web', uid: 'u1', container: 'main' };
const USAGE = {
  node: { timestamp: 2_000, windowMs: 1_000, cpuNanocores: 5e8, memoryBytes: 1 << 30 },
  containers: [],
};
const open = { type: 'open', session, stream: 'log', ...names, options: {} };

for (const { title, message, expected } of [
  { title: 'no JSON', message: 'open', expected: undefined },
  { title: 'null', message: 'null', expected: undefined },
  {
    title: 'another type',
    message: JSON.stringify({ ...open, type: 'close' }),
    expected: undefined,
  },
  {
    title: 'a session that would lead elsewhere',
    message: JSON.stringify({ ...open, session: '../../api/v1/secrets' }),
    expected: undefined,
  },
  {
    title: 'an unknown stream',
    message: JSON.stringify({ ...open, stream: 'dance' }),
    expected: { session, request: undefined },
  },
  {
    title: 'a name that is none',
    message: JSON.stringify({ ...open, pod: 1 }),
    expected: { session, request: undefined },
  },
  {
    title: 'a log',
    message: JSON.stringify(open),
    expected: {
      session,
      request: {
        stream: 'log',
        ...names,
        previous: false,
        options: { follow: false, timestamps: false },
      },
    },
  },
  {
    title: 'a log with all options',
    message: JSON.stringify({
      ...open,
      options: {
        follow: true,
        previous: true,
        timestamps: true,
        tailLines: 0,
        sinceTime: 5,
        limitBytes: 7,
      },
    }),
    expected: {
      session,
      request: {
        stream: 'log',
        ...names,
        previous: true,
        options: { follow: true, timestamps: true, tailLines: 0, sinceTime: 5, limitBytes: 7 },
      },
    },
  },
  {
    title: 'options that are none',
    message: JSON.stringify({ ...open, options: { follow: 'yes', tailLines: -1, sinceTime: '5' } }),
    expected: {
      session,
      request: {
        stream: 'log',
        ...names,
        previous: false,
        options: { follow: false, timestamps: false },
      },
    },
  },
]) {
  test(`parseOpen() of ${title}`, () => {
    assert.deepEqual(parseOpen(message), expected);
  });
}

interface Server {
  /** The first tunnel. */
  readonly line: WebSocket;
  /** Asks for a session over the tunnel, and collects what comes back: texts, then bytes, then the code of the close. */
  ask(
    message: object,
  ): Promise<{ readonly texts: string[]; readonly bytes: string; readonly code: number }>;
  /** The next connection to a path that ends so. */
  dialled(end: string): Promise<WebSocket>;
}

async function connected(
  t: TestContext,
  openLog: (request: LogRequest, signal: AbortSignal) => Promise<Readable>,
): Promise<Server> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  const sockets: { path: string; socket: WebSocket }[] = [];
  const waiting: (() => void)[] = [];
  server.on('connection', (socket, request) => {
    sockets.push({ path: request.url ?? '', socket });
    for (const wake of waiting.splice(0)) wake();
  });
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const life = new AbortController();
  const tunnel = runTunnel(
    {
      connection: {
        server: new URL(`http://127.0.0.1:${port}/`),
        tls: {},
        headers: () => Promise.resolve({}),
      },
      nodeName: 'node',
      clock: systemClock,
      logger: silentLogger,
      random: () => 0,
      openLog,
      openStream: () => Promise.reject(new SessionError(400, 'BadRequest', 'not in this test')),
      images: { call: () => Promise.resolve({}) },
      usage: { read: () => Promise.resolve(USAGE) },
    },
    life.signal,
  );
  t.after(async () => {
    life.abort(new Error('the test is over'));
    await tunnel;
    server.close();
  });
  const dialled = async (end: string): Promise<WebSocket> => {
    for (;;) {
      const index = sockets.findIndex(({ path }) => path.endsWith(end));
      const [found] = index < 0 ? [] : sockets.splice(index, 1);
      if (found !== undefined) return found.socket;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  const line = await dialled('/windlass/v1/nodes/node/tunnel');
  return {
    line,
    dialled,
    async ask(message) {
      line.send(JSON.stringify(message));
      const socket = await dialled(`/windlass/v1/sessions/${session}`);
      const texts: string[] = [];
      const parts: Buffer[] = [];
      socket.on('message', (data: Buffer, isBinary) => {
        if (isBinary) parts.push(data);
        else texts.push(data.toString('utf8'));
      });
      const [code] = (await once(socket, 'close')) as [number];
      return { texts, bytes: Buffer.concat(parts).toString('utf8'), code };
    },
  };
}

test('runTunnel() answers a session with the bytes of the log', async (t) => {
  const asked: LogRequest[] = [];
  const server = await connected(t, (request) => {
    asked.push(request);
    return Promise.resolve(Readable.from([Buffer.from('one\n'), Buffer.from('two\n')]));
  });
  const answer = await server.ask({ ...open, options: { tailLines: 2 } });
  assert.deepEqual(answer, { texts: ['{"status":"ok"}'], bytes: 'one\ntwo\n', code: 1000 });
  assert.deepEqual(
    asked.map(({ container, options }) => [container, options.tailLines]),
    [['main', 2]],
  );
});

test('runTunnel() carries a large log whole', async (t) => {
  const chunk = Buffer.alloc(64 << 10, 'x');
  const server = await connected(t, () =>
    Promise.resolve(Readable.from(Array.from({ length: 200 }, () => chunk))),
  );
  const { bytes } = await server.ask(open);
  assert.equal(bytes.length, 200 * chunk.length);
});

for (const { title, message, error, expected } of [
  {
    title: 'a refusal with its reason',
    message: open,
    error: new SessionError(400, 'BadRequest', 'it is waiting to start'),
    expected: {
      status: 'error',
      code: 400,
      reason: 'BadRequest',
      message: 'it is waiting to start',
    },
  },
  {
    title: 'any other error as ours',
    message: open,
    error: new Error('disk gone'),
    expected: { status: 'error', code: 500, reason: 'InternalError', message: 'disk gone' },
  },
  {
    title: 'a kind of session that it does not know',
    message: { ...open, stream: 'dance' },
    error: new Error('not reached'),
    expected: {
      status: 'error',
      code: 400,
      reason: 'BadRequest',
      message: 'the agent does not know this kind of session',
    },
  },
]) {
  test(`runTunnel() answers ${title}`, async (t) => {
    const server = await connected(t, () => Promise.reject(error));
    const { texts, code } = await server.ask(message);
    assert.deepEqual(
      texts.map((text): unknown => JSON.parse(text)),
      [expected],
    );
    assert.equal(code, 1000);
  });
}

test('runTunnel() stops reading when the server closes the session', async (t) => {
  const aborted = Promise.withResolvers<void>();
  const log = new Readable({ read: () => undefined });
  const server = await connected(t, (_request, signal) => {
    signal.addEventListener('abort', () => aborted.resolve());
    return Promise.resolve(log);
  });
  server.line.send(JSON.stringify({ ...open, options: { follow: true } }));
  const socket = await server.dialled(`/sessions/${session}`);
  log.push('first');
  await once(socket, 'message');
  socket.close();
  await aborted.promise;
  assert.ok(log.destroyed);
});

test('runTunnel() dials again when the line is cut', async (t) => {
  const server = await connected(t, () => Promise.resolve(Readable.from([])));
  server.line.terminate();
  const next = await server.dialled('/tunnel');
  next.send(JSON.stringify(open));
  const socket = await server.dialled(`/sessions/${session}`);
  const [text] = (await once(socket, 'message')) as [Buffer];
  assert.equal(text.toString('utf8'), '{"status":"ok"}');
});
