import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';

import fc from 'fast-check';

import { TestClock } from '../../store/store-fixture.ts';
import { SpdyConnection } from './connection.ts';
import { controlFrame, dataFrame, FLAG_FIN, FrameParser, numbers, TYPES } from './frames.ts';
import type { ControlFrame } from './frames.ts';
import { HeaderPacker } from './header-block.ts';
import type { SpdyStream } from './stream.ts';

class Client {
  readonly clock = new TestClock();
  readonly streams: SpdyStream[] = [];
  readonly connection: SpdyConnection;
  readonly #socket: Duplex;
  readonly #packer = new HeaderPacker();
  readonly #parser = new FrameParser();

  constructor(onStream: (stream: SpdyStream) => boolean = () => true) {
    const [here, there] = duplexPair();
    this.#socket = here;
    here.on('error', () => undefined);
    there.on('error', () => undefined);
    here.on('data', (bytes: Buffer) => this.#parser.push(bytes));
    this.connection = new SpdyConnection(there, Buffer.alloc(0), {
      clock: this.clock,
      onStream: (stream) => {
        this.streams.push(stream);
        return onStream(stream);
      },
    });
  }

  send(...frames: readonly Buffer[]): void {
    for (const frame of frames) this.#socket.write(frame);
  }

  open(id: number, headers: Record<string, string> = {}, flags = 0): void {
    const block = this.#packer.encode(new Map(Object.entries(headers)));
    const head = Buffer.concat([numbers(id, 0), Buffer.alloc(2)]);
    this.send(controlFrame(TYPES.synStream, flags, Buffer.concat([head, block])));
  }

  /** Frames that have come once there are so many, and those that come at once after them. */
  async heard(atLeast = 1): Promise<(ReturnType<FrameParser['next']> & object)[]> {
    const frames: (ReturnType<FrameParser['next']> & object)[] = [];
    for (let patience = 200; patience > 0; patience -= 1) {
      const isEnough = frames.length >= atLeast;
      await turns();
      for (let frame = this.#parser.next(); frame !== undefined; frame = this.#parser.next()) {
        frames.push(frame);
      }
      if (isEnough) break;
    }
    return frames;
  }

  end(): void {
    this.#socket.end();
  }
}

/** Inflating takes a thread and several turns. */
async function turns(): Promise<void> {
  for (let count = 0; count < 40; count += 1)
    await new Promise((resolve) => setTimeout(resolve, 1));
}

const controls = (frames: readonly object[]): readonly number[] =>
  frames.filter((frame): frame is ControlFrame => 'control' in frame).map(({ control }) => control);

test('a stream is answered, carries bytes both ways and ends in each direction', async () => {
  const client = new Client();
  client.open(1, { StreamType: 'data', port: '80' });
  assert.deepEqual(controls(await client.heard()), [TYPES.synReply]);
  const [stream] = client.streams;
  assert.ok(stream);
  assert.equal(stream.headers.get('streamtype'), 'data');
  const parts: Buffer[] = [];
  stream.on('data', (part: Buffer) => parts.push(part));
  client.send(dataFrame(1, 0, Buffer.from('hello ')), dataFrame(1, FLAG_FIN, Buffer.from('you')));
  await once(stream, 'end');
  assert.equal(Buffer.concat(parts).toString('utf8'), 'hello you');
  stream.end('bye');
  const frames = await client.heard();
  const data = frames.filter((frame) => frame.type === 'data');
  assert.equal(data.map(({ bytes }) => bytes.toString('utf8')).join(''), 'bye');
  assert.equal(data.at(-1)?.isEnd, true);
});

test('pings are answered, and sent: every five seconds', async () => {
  const client = new Client();
  client.send(controlFrame(TYPES.ping, 0, numbers(7)));
  client.send(controlFrame(TYPES.ping, 0, numbers(8)));
  const answers = (await client.heard()) as ControlFrame[];
  assert.deepEqual(
    answers.map(({ payload }) => payload.readUInt32BE(0)),
    [7],
  );
  await client.clock.advance(5_000);
  assert.deepEqual(controls(await client.heard()), [TYPES.ping]);
});

test('a refused stream is reset', async () => {
  const client = new Client(() => false);
  client.open(1);
  assert.deepEqual(controls(await client.heard(2)), [TYPES.synReply, TYPES.rstStream]);
});

test('a reader that stops holds up the connection, not the memory', async () => {
  const client = new Client();
  client.open(1);
  await client.heard();
  for (let count = 0; count < 64; count += 1) client.send(dataFrame(1, 0, Buffer.alloc(65_536)));
  await turns();
  const [stream] = client.streams;
  assert.ok((stream?.readableLength ?? 0) <= 256 * 1024 + 65_536);
});

test('when the client goes, its streams do too', async () => {
  const client = new Client();
  client.open(1);
  await client.heard();
  client.end();
  await once(client.connection.closed, 'abort').catch(() => undefined);
  assert.ok(client.streams[0]?.destroyed);
});

for (const [what, frame] of [
  ['a stream with an even number', 'even'],
  ['data for a stream that never was', dataFrame(99, 0, Buffer.from('x'))],
  ['an answer to no question', controlFrame(TYPES.synReply, 0, numbers(1))],
  ['a ping without a number', controlFrame(TYPES.ping, 0, Buffer.alloc(2))],
  ['headers that are not compressed', controlFrame(TYPES.synStream, 0, Buffer.alloc(40, 'x'))],
  ['HTTP', Buffer.from([0x80, ...Buffer.from('GET / HTTP/1.1\r\n\r\n')])],
] as const) {
  test(`${what} ends the connection`, async () => {
    const client = new Client();
    const closed = once(client.connection.closed, 'abort');
    if (frame === 'even') client.open(2);
    else client.send(frame);
    await closed;
    assert.equal(client.streams.length, 0);
  });
}

test('arbitrary bytes never throw where nobody catches', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }),
      async (parts) => {
        const client = new Client();
        client.send(...parts.map((part) => Buffer.from(part)));
        client.end();
        await turns();
      },
    ),
    { numRuns: 10 },
  );
});
