import assert from 'node:assert/strict';
import { test } from 'node:test';
import protobuf from 'protobufjs/minimal.js';
import { openAPIv2Protobuf } from './openapi-v2-protobuf.ts';
import { BYTES, VARINT, readMessage } from './protobuf-wire.ts';

/** A message by the numbers of its fields; what is no number is bytes. */
function fieldsOf(bytes: Uint8Array): Map<number, (Uint8Array | number)[]> {
  const reader = protobuf.Reader.create(bytes);
  const fields = new Map<number, (Uint8Array | number)[]>();
  readMessage(reader, reader.len, (number, wireType) => {
    const value =
      wireType === BYTES ? reader.bytes() : wireType === VARINT ? reader.uint32() : reader.double();
    fields.set(number, [...(fields.get(number) ?? []), value]);
    return true;
  });
  return fields;
}

/** The bytes at a path of field numbers, the first of each. */
function at(bytes: Uint8Array, ...path: readonly number[]): Uint8Array {
  let found = bytes;
  for (const number of path) {
    const value = fieldsOf(found).get(number)?.[0];
    assert.ok(value instanceof Uint8Array, `field ${number}`);
    found = value;
  }
  return found;
}

function textAt(bytes: Uint8Array, ...path: readonly number[]): string {
  return Buffer.from(at(bytes, ...path)).toString();
}

const kinds = [{ group: '', kind: 'Pod', version: 'v1' }];
const bytes = openAPIv2Protobuf({
  swagger: '2.0',
  info: { title: 'Windlass', version: 'unversioned' },
  paths: {
    '/api/v1/pods': {
      patch: {
        consumes: ['application/json-patch+json'],
        produces: ['application/json'],
        parameters: [
          { name: 'body', in: 'body', schema: {} },
          { name: 'dryRun', in: 'query', type: 'string' },
        ],
        'x-kubernetes-group-version-kind': kinds[0],
      },
    },
  },
  definitions: {
    Pod: {
      type: 'object',
      required: ['name'],
      properties: {
        name: { type: 'string', maxLength: 63, enum: ['a'], default: 'a' },
        ratio: { type: 'number', maximum: 1.5, exclusiveMaximum: true },
        labels: { type: 'object', additionalProperties: { $ref: '#/definitions/Label' } },
        parts: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
        open: { type: 'object', additionalProperties: false },
      },
      'x-kubernetes-group-version-kind': kinds,
    },
  },
});

test('a document says what it is, and of each operation what it takes', () => {
  assert.equal(textAt(bytes, 1), '2.0');
  assert.deepEqual([textAt(bytes, 2, 1), textAt(bytes, 2, 2)], ['Windlass', 'unversioned']);
  assert.equal(textAt(bytes, 8, 2, 1), '/api/v1/pods');
  const operation = at(bytes, 8, 2, 2, 8);
  assert.equal(textAt(operation, 6), 'application/json');
  assert.equal(textAt(operation, 7), 'application/json-patch+json');
  // Of parameters, those of the query.
  assert.equal(fieldsOf(operation).get(8)?.length, 1);
  assert.equal(textAt(operation, 8, 1, 2, 3, 2), 'query');
  assert.equal(textAt(operation, 8, 1, 2, 3, 4), 'dryRun');
  assert.equal(textAt(operation, 13, 1), 'x-kubernetes-group-version-kind');
  assert.equal(textAt(operation, 13, 2, 2), JSON.stringify(kinds[0]));
});

test('a definition keeps types, bounds, references and marks', () => {
  assert.equal(textAt(bytes, 9, 1, 1), 'Pod');
  const schema = at(bytes, 9, 1, 2);
  assert.equal(textAt(schema, 19), 'name');
  assert.equal(textAt(schema, 22, 1), 'object');
  assert.equal(textAt(schema, 31, 2, 2), JSON.stringify(kinds));
  const properties = (fieldsOf(at(schema, 25)).get(1) ?? []).filter(
    (value) => value instanceof Uint8Array,
  );
  assert.deepEqual(
    properties.map((property) => textAt(property, 1)),
    ['name', 'ratio', 'labels', 'parts', 'open'],
  );
  const [name, ratio, labels, parts, open] = properties.map((property) => at(property, 2));
  assert.ok(name && ratio && labels && parts && open);
  assert.deepEqual([textAt(name, 5, 2), textAt(name, 20, 2)], ['"a"', '"a"']);
  assert.deepEqual(fieldsOf(name).get(11), [63]);
  assert.deepEqual([fieldsOf(ratio).get(7), fieldsOf(ratio).get(8)], [[1.5], [1]]);
  assert.equal(textAt(labels, 21, 1, 1), '#/definitions/Label');
  assert.equal(textAt(parts, 23, 1, 22, 1), 'string');
  assert.equal(textAt(parts, 31, 1), 'x-kubernetes-list-type');
  assert.deepEqual(fieldsOf(at(open, 21)).get(2), [0]);
});
