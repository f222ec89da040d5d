import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, createDeflate, createInflate } from 'node:zlib';

import fc from 'fast-check';

import { DICTIONARY_ADLER32, dictionary } from './dictionary.ts';
import { decodeHeaders, encodeHeaders, HeaderInflater, HeaderPacker } from './header-block.ts';

const headersOf = fc
  .array(fc.tuple(fc.string({ minLength: 1, maxLength: 20 }), fc.string({ maxLength: 200 })), {
    maxLength: 10,
  })
  .map((pairs) => new Map(pairs.map(([name, value]) => [name.toLowerCase(), value])));

/** Compresses as upstream's client does: one stream for the connection, flushed after each block. */
class Deflater {
  readonly #deflate = createDeflate({ dictionary });
  #parts: Buffer[] = [];

  constructor() {
    this.#deflate.on('data', (part: Buffer) => this.#parts.push(part));
  }

  async block(bytes: Buffer): Promise<Buffer> {
    await new Promise<void>((resolve) => {
      this.#deflate.write(bytes);
      this.#deflate.flush(constants.Z_SYNC_FLUSH, () => resolve());
    });
    return Buffer.concat(this.#parts.splice(0));
  }
}

test('the dictionary is the one that compressed streams name', () => {
  let low = 1;
  let high = 0;
  for (const byte of dictionary) {
    low = (low + byte) % 65_521;
    high = (high + low) % 65_521;
  }
  assert.equal(high * 65_536 + low, DICTIONARY_ADLER32);
});

test('blocks of one connection unpack in order, whatever is in them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(headersOf, { maxLength: 5 }), async (blocks) => {
      const deflater = new Deflater();
      const inflater = new HeaderInflater();
      for (const headers of blocks) {
        const found = await inflater.decode(await deflater.block(encodeHeaders(headers)));
        assert.deepEqual([...found], [...headers]);
      }
      inflater.close();
    }),
    { numRuns: 50 },
  );
});

test('what the packer makes is a zlib stream with the dictionary, readable block by block', async () => {
  const packer = new HeaderPacker();
  const inflate = createInflate({ dictionary });
  const parts: Buffer[] = [];
  inflate.on('data', (part: Buffer) => parts.push(part));
  const long = new Map([['name', 'x'.repeat(100_000)]]);
  for (const headers of [new Map<string, string>(), new Map([['a', 'b']]), long]) {
    await new Promise<void>((resolve) => {
      inflate.write(packer.encode(headers));
      inflate.flush(constants.Z_SYNC_FLUSH, () => resolve());
    });
    assert.deepEqual(decodeHeaders(Buffer.concat(parts.splice(0))), headers);
  }
  inflate.destroy();
});

test('bad zlib is refused, and so is all that comes after it', async () => {
  const inflater = new HeaderInflater();
  await assert.rejects(inflater.decode(Buffer.from('this is not compressed')), /header/);
  await assert.rejects(inflater.decode(Buffer.alloc(0)), /header/);
});

test('arbitrary bytes never unpack to headers, nor hang', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      const inflater = new HeaderInflater();
      await assert.rejects(inflater.decode(Buffer.from(bytes)));
      inflater.close();
    }),
  );
});

test('a small block that unpacks into a large one is stopped early', async () => {
  const deflater = new Deflater();
  const inflater = new HeaderInflater();
  const bomb = await deflater.block(Buffer.alloc(64 << 20));
  assert.ok(bomb.length < 100_000);
  await assert.rejects(inflater.decode(bomb), /larger than 65536 bytes/);
});

test('another dictionary is refused', async () => {
  const deflate = createDeflate({ dictionary: Buffer.from('another dictionary') });
  const inflater = new HeaderInflater();
  const parts: Buffer[] = [];
  deflate.on('data', (part: Buffer) => parts.push(part));
  await new Promise<void>((resolve) => {
    deflate.write(encodeHeaders(new Map()));
    deflate.flush(constants.Z_SYNC_FLUSH, () => resolve());
  });
  await assert.rejects(inflater.decode(Buffer.concat(parts)), /dictionary/i);
});

for (const [what, block] of [
  ['nothing', ''],
  ['fewer headers than it says', '00000002000000016100000000'],
  ['a count beyond all bounds', 'ffffffff000000016100000000'],
  ['a name that is longer than the block', '000000017fffffff6100000000'],
  ['a header without a name', '000000010000000000000000'],
  ['a header twice', '00000002000000016100000000000000014100000000'],
  ['something after the last header', '0000000100000001610000000000'],
] as const) {
  test(`decodeHeaders() refuses ${what}`, () => {
    assert.throws(() => decodeHeaders(Buffer.from(block, 'hex')), /header/);
  });
}
