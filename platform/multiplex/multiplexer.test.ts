import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { test } from 'node:test';

import fc from 'fast-check';

import { ChannelResetError, WINDOW_BYTES } from './channel.ts';
import type { Channel } from './channel.ts';
import { decodeFrame, encodeFrame, KINDS } from './frame.ts';
import { Multiplexer } from './multiplexer.ts';
import type { MultiplexerOptions } from './multiplexer.ts';

interface Line {
  readonly here: Multiplexer;
  readonly there: Multiplexer;
  /** Bytes of data sent by `here`. */
  readonly sent: () => number;
}

/** Two ends, each message delivered in a later turn, in order. */
function line(options: Partial<MultiplexerOptions> = {}): Line {
  let sent = 0;
  const closed = { here: false, there: false };
  const here: Multiplexer = new Multiplexer({
    send: (message, done) => {
      if (decodeFrame(message)?.kind === 'data') sent += message.length - 5;
      setImmediate(() => {
        there.receive(message);
        done?.();
      });
    },
    close: () => {
      closed.here = true;
    },
  });
  const there: Multiplexer = new Multiplexer({
    send: (message, done) => {
      setImmediate(() => {
        here.receive(message);
        done?.();
      });
    },
    close: () => {
      closed.there = true;
    },
    ...options,
  });
  return { here, there, sent: () => sent };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** All that comes; leaves the other direction as it is. */
async function buffer(channel: Channel): Promise<Buffer> {
  const parts: Buffer[] = [];
  channel.on('data', (part: Buffer) => parts.push(part));
  await once(channel, 'end');
  return Buffer.concat(parts);
}

/** Until nothing moves any more. */
async function settled(value: () => number): Promise<number> {
  for (let last = -1; last !== value();) {
    last = value();
    for (let count = 0; count < 20; count += 1) await turn();
  }
  return value();
}

test('a frame comes out as it went in; anything else is none', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...KINDS),
      fc.integer({ min: 0, max: 0xffffffff }),
      fc.uint8Array({ maxLength: 100 }),
      (kind, channel, bytes) => {
        const payload = Buffer.from(bytes);
        assert.deepEqual(decodeFrame(encodeFrame(kind, channel, payload)), {
          kind,
          channel,
          payload,
        });
      },
    ),
  );
  assert.equal(decodeFrame(Buffer.alloc(4)), undefined);
  assert.equal(decodeFrame(Buffer.from([KINDS.length, 0, 0, 0, 0])), undefined);
});

test('bytes arrive whole, in both directions, on several channels at once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.nat(400_000), { maxLength: 4 }), { minLength: 1, maxLength: 4 }),
      async (channels) => {
        const { here, there } = line();
        await Promise.all(
          channels.map(async (sizes, id) => {
            const left = here.channel(id);
            const right = there.channel(id);
            const chunks = sizes.map((size, index) => Buffer.alloc(size, index + 1));
            Readable.from(chunks.filter((chunk) => chunk.length > 0)).pipe(left);
            const whole = await buffer(right);
            assert.ok(whole.equals(Buffer.concat(chunks)));
            right.end('thanks');
            assert.equal((await buffer(left)).toString('utf8'), 'thanks');
          }),
        );
      },
    ),
    { numRuns: 20 },
  );
});

test('a reader that stops holds up its channel at the window, and no other', async () => {
  const { here, there, sent } = line();
  const stuck = here.channel(1);
  const slow = there.channel(1);
  there.channel(2);
  Readable.from(Array.from({ length: 200 }, () => Buffer.alloc(64 * 1024))).pipe(stuck);
  const held = await settled(sent);
  assert.ok(held <= WINDOW_BYTES + 64 * 1024, `${held} bytes under way`);
  const other = here.channel(2);
  other.end('passes by');
  assert.equal((await buffer(there.channel(2))).toString('utf8'), 'passes by');
  assert.equal((await buffer(slow)).length, 200 * 64 * 1024);
});

test('a channel that is destroyed ends at the other end with the reason', async () => {
  const { here, there } = line();
  const left = here.channel(1);
  const right = there.channel(1);
  left.destroy(new Error('no such port'));
  await assert.rejects(finished(right), (error) => {
    assert.ok(error instanceof ChannelResetError);
    assert.equal(error.message, 'no such port');
    return true;
  });
});

test('only who may opens channels, and only so many', async () => {
  const opened: [Channel, string][] = [];
  const { here, there } = line({
    onOpen: (channel, payload) => opened.push([channel, payload.toString('utf8')]),
    maximumChannels: 2,
  });
  const channels = [1, 2, 3].map((id) => here.open(id, Buffer.from(`number ${id}`)));
  await assert.rejects(finished(channels[2] as Channel), /more than 2 connections at once/);
  assert.deepEqual(
    opened.map(([, payload]) => payload),
    ['number 1', 'number 2'],
  );
  there.open(9, Buffer.alloc(0));
  await once(here.ended, 'abort');
  assert.match((here.ended.reason as Error).message, /broke its rules/);
});

test('control messages that come early wait for who listens', async () => {
  const { here, there } = line();
  here.control({ type: 'start' });
  await turn();
  await turn();
  const seen: unknown[] = [];
  there.onControl = (value) => seen.push(value);
  here.control({ type: 'resize' });
  await settled(() => seen.length);
  assert.deepEqual(seen, [{ type: 'start' }, { type: 'resize' }]);
});

for (const [what, message] of [
  ['more than the window', encodeFrame('data', 1, Buffer.alloc(WINDOW_BYTES + 1))],
  ['credit that is no number', encodeFrame('credit', 1, Buffer.alloc(3))],
  ['control that is no JSON', encodeFrame('control', 0, Buffer.from('{'))],
  ['a channel opened where none may be', encodeFrame('open', 7)],
  ['no frame', Buffer.from([1])],
] as const) {
  test(`${what} ends the session`, () => {
    let reason: Error | undefined;
    const session = new Multiplexer({
      send: () => undefined,
      close: (error) => {
        reason = error;
      },
    });
    const channel = session.channel(1);
    session.receive(message);
    assert.match(reason?.message ?? '', /broke its rules/);
    assert.ok(channel.destroyed);
  });
}

test('arbitrary messages never throw', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }), (messages) => {
      const session = new Multiplexer({
        send: () => undefined,
        close: () => undefined,
        onOpen: (channel) => channel.resume(),
      });
      for (const message of messages) session.receive(Buffer.from(message));
    }),
  );
});
