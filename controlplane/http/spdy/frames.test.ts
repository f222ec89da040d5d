import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { controlFrame, dataFrame, FLAG_FIN, FrameParser, numbers, TYPES } from './frames.ts';

interface Data {
  readonly stream: number;
  readonly bytes: Buffer;
  readonly isEnd: boolean;
}

const bytes = fc.uint8Array({ maxLength: 2000 }).map((array) => Buffer.from(array));
const dataOf: fc.Arbitrary<Data> = fc.record({
  stream: fc.integer({ min: 0, max: 0x7fffffff }),
  bytes,
  isEnd: fc.boolean(),
});
const controlOf = fc.record({
  control: fc.constantFrom(...Object.values(TYPES), 77),
  flags: fc.integer({ min: 0, max: 255 }),
  payload: bytes,
});
const frameOf = fc.oneof(dataOf, controlOf);

/** What came, with the pieces of each data frame put together again. */
function parsed(chunks: readonly Buffer[]): unknown[] {
  const parser = new FrameParser();
  const found: unknown[] = [];
  let last: { stream: number; parts: Buffer[] } | undefined;
  for (const chunk of chunks) {
    parser.push(chunk);
    for (let frame = parser.next(); frame !== undefined; frame = parser.next()) {
      if (frame.type === 'control') {
        const { control, flags, payload } = frame;
        found.push({ control, flags, payload: payload.toString('hex') });
        continue;
      }
      last ??= { stream: frame.stream, parts: [] };
      assert.equal(frame.stream, last.stream);
      last.parts.push(frame.bytes);
      if (!frame.isEnd) continue;
      found.push({ stream: last.stream, bytes: Buffer.concat(last.parts).toString('hex') });
      last = undefined;
    }
  }
  return found;
}

test('frames come out as they went in, however they are torn', () => {
  fc.assert(
    fc.property(
      fc.array(frameOf, { maxLength: 8 }),
      fc.array(fc.nat(3000), { maxLength: 20 }),
      (frames, cuts) => {
        // Each data frame ends its stream, so that its pieces can be put together.
        const wire = Buffer.concat(
          frames.map((frame) =>
            'control' in frame
              ? controlFrame(frame.control, frame.flags, frame.payload)
              : dataFrame(frame.stream, FLAG_FIN, frame.bytes),
          ),
        );
        const places = [0, ...cuts.map((cut) => Math.min(cut, wire.length)), wire.length];
        const sorted = places.toSorted((a, b) => a - b);
        const chunks = sorted.slice(1).map((end, index) => wire.subarray(sorted[index], end));
        const expected = frames.map((frame) =>
          'control' in frame
            ? {
                control: frame.control,
                flags: frame.flags,
                payload: frame.payload.toString('hex'),
              }
            : { stream: frame.stream, bytes: frame.bytes.toString('hex') },
        );
        assert.deepEqual(parsed(chunks), expected);
      },
    ),
  );
});

test('bytes that are no frames end in an error or in waiting, never in a loop', () => {
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 10 }), (chunks) => {
      const parser = new FrameParser();
      let taken = 0;
      try {
        for (const chunk of chunks) {
          parser.push(chunk);
          for (let frame = parser.next(); frame !== undefined; frame = parser.next()) {
            taken += frame.type === 'data' ? frame.bytes.length : frame.payload.length;
          }
        }
      } catch (error) {
        assert.match((error as Error).message, /SPDY version|control frame of/);
      }
      assert.ok(taken <= Buffer.concat(chunks).length);
    }),
  );
});

test('a control frame that says it is large is refused before it has come', () => {
  const parser = new FrameParser();
  const head = controlFrame(TYPES.ping, 0, numbers(1));
  head.writeUIntBE(0xffffff, 5, 3);
  parser.push(head);
  assert.throws(() => parser.next(), /a control frame of 16777215 bytes/);
});

test('another version of SPDY is refused', () => {
  const parser = new FrameParser();
  const frame = controlFrame(TYPES.ping, 0, numbers(1));
  frame.writeUInt16BE(0x8002, 0);
  parser.push(frame);
  assert.throws(() => parser.next(), /SPDY version 2 is not 3/);
});
