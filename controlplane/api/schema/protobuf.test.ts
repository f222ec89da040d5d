// Bodies recorded from client-go (scripts/corpus/fixtures) must decode to the JSON that Go makes of the same objects.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { ApiError } from '../errors.ts';
import { decodeProtobuf, isProtobuf } from './protobuf.ts';

const folder = new URL('./fixtures/', import.meta.url);
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.pb.hex'))
  .map((name) => name.slice(0, -'.pb.hex'.length));

function body(name: string): Buffer {
  return Buffer.from(
    readFileSync(new URL(`${name}.pb.hex`, folder), 'utf8').replaceAll('\n', ''),
    'hex',
  );
}

/** Go writes null for empty lists and times without `omitempty`; here they are absent. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null)
      .map(([key, member]) => [key, withoutNulls(member)]),
  );
}

function json(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as unknown;
}

for (const name of names) {
  test(`decodeProtobuf() reads ${name} as Go does`, () => {
    const { object } = decodeProtobuf(body(name));
    assert.deepEqual(withoutNulls(object), withoutNulls(json(name)));
  });
}

/** An envelope around a message, both written by hand. */
function envelope(apiVersion: string, kind: string, raw: Buffer, rest = Buffer.alloc(0)): Buffer {
  const meta = Buffer.concat([bytesField(1, apiVersion), bytesField(2, kind)]);
  return Buffer.concat([Buffer.from('k8s\0'), bytesField(1, meta), bytesField(2, raw), rest]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

function bytesField(number: number, content: Buffer | string): Buffer<ArrayBuffer> {
  const bytes = Buffer.from(content);
  return Buffer.concat([
    Buffer.from([...varint((number << 3) | 2), ...varint(bytes.length)]),
    bytes,
  ]);
}

function codeOf(action: () => unknown): number {
  try {
    action();
  } catch (error) {
    if (error instanceof ApiError) return error.code;
    throw error;
  }
  return 200;
}

test('decodeProtobuf() skips field numbers of later releases', () => {
  const raw = Buffer.concat([bytesField(31, 'new'), Buffer.from([...varint((30 << 3) | 0), 7])]);
  assert.deepEqual(decodeProtobuf(envelope('v1', 'ConfigMap', raw)).object, {
    kind: 'ConfigMap',
    apiVersion: 'v1',
  });
});

test('decodeProtobuf() keeps a map key called __proto__ as data', () => {
  const entry = Buffer.concat([bytesField(1, '__proto__'), bytesField(2, 'x')]);
  const { object } = decodeProtobuf(envelope('v1', 'ConfigMap', bytesField(2, entry)));
  assert.deepEqual(Object.keys(object['data'] as object), ['__proto__']);
});

test('decodeProtobuf() answers 415 naming a kind without a protobuf form', () => {
  assert.throws(
    () => decodeProtobuf(envelope('example.com/v1', 'Widget', Buffer.alloc(0))),
    (error: unknown) =>
      error instanceof ApiError &&
      error.code === 415 &&
      error.message.includes('example.com/v1 Widget'),
  );
});

test('decodeProtobuf() refuses malformed bytes with 400', () => {
  const cases: Record<string, Buffer> = {
    'no magic': Buffer.from('{}'),
    'a length past the end': Buffer.from('k8s\0\x0a\x7fv1', 'latin1'),
    'a field number 0': envelope('v1', 'ConfigMap', Buffer.from([0])),
    'a wrong wire type': envelope('v1', 'ConfigMap', Buffer.from([(1 << 3) | 0, 1])),
    'a group': envelope('v1', 'ConfigMap', Buffer.from(varint((30 << 3) | 3))),
    'a nested length past its parent': envelope('v1', 'ConfigMap', Buffer.from([0x0a, 1, 0x0a])),
    'raw JSON that is none': envelope(
      'apps/v1',
      'ControllerRevision',
      bytesField(2, bytesField(1, '{')),
    ),
    'a content encoding': envelope('v1', 'ConfigMap', Buffer.alloc(0), bytesField(3, 'gzip')),
    'a year out of range': envelope(
      'v1',
      'ConfigMap',
      bytesField(1, bytesField(8, Buffer.from([8, 255, 255, 255, 255, 255, 255, 255, 127]))),
    ),
  };
  for (const [name, bytes] of Object.entries(cases)) {
    assert.equal(
      codeOf(() => decodeProtobuf(bytes)),
      400,
      name,
    );
  }
});

test('decodeProtobuf() refuses endless nesting with 400', () => {
  let bytes = Buffer.alloc(0);
  for (let depth = 0; depth < 1000; depth += 1) bytes = bytesField(28, bytes); // JSONSchemaProps.not
  const version = bytesField(4, bytesField(1, bytes));
  const spec = bytesField(2, bytesField(7, version));
  assert.equal(
    codeOf(() =>
      decodeProtobuf(envelope('apiextensions.k8s.io/v1', 'CustomResourceDefinition', spec)),
    ),
    400,
  );
});

test('decodeProtobuf() never fails with anything but an ApiError', () => {
  const bodies = names.map(body);
  fc.assert(
    fc.property(
      fc.constantFrom(...bodies),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }),
      fc.nat(),
      (original, changes, cut) => {
        const bytes = Buffer.from(original.subarray(0, 4 + (cut % original.length)));
        for (const [at, value] of changes) bytes[4 + (at % bytes.length)] = value;
        codeOf(() => decodeProtobuf(bytes));
      },
    ),
    { numRuns: 1000 },
  );
});

test('isProtobuf() tells envelopes from JSON', () => {
  assert.equal(isProtobuf(Buffer.from('k8s\0')), true);
  assert.equal(isProtobuf(Buffer.from('{"k8s":0}')), false);
  assert.equal(isProtobuf(Buffer.alloc(0)), false);
});
