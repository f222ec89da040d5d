import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyDefaults } from './default.ts';
import { pruneUnknown } from './prune.ts';
import type { Schema } from './schema.ts';
import { compileStructural } from './structural.ts';
import { validateSchema } from './validate.ts';

const PATH = 'spec.versions[0].schema.openAPIV3Schema';

function compiled(spec: object): Schema {
  const result = compileStructural({ type: 'object', properties: { spec } }, PATH);
  assert.ok('schema' in result, JSON.stringify(result));
  return result.schema;
}

const specOf = (properties: object, rest: object = {}): Schema =>
  compiled({ type: 'object', properties, ...rest });

/** Errors as clients see them. */
function problems(schema: Schema, spec: unknown): string[] {
  return validateSchema(schema, { spec }, '').map(({ field, message }) => `${field}: ${message}`);
}

const integer = { type: 'integer' };
const string = { type: 'string' };
const preserve = { 'x-kubernetes-preserve-unknown-fields': true };

// A schema for `spec`, a value of it and what is said: the forms are those of kube-apiserver.
const values: readonly (readonly [schema: object, value: unknown, messages: readonly string[]])[] =
  [
    [{ ...integer, minimum: 1 }, 1, []],
    [
      { ...integer, minimum: 1 },
      0,
      ['spec: Invalid value: 0: spec in body should be greater than or equal to 1'],
    ],
    [
      { ...integer, maximum: 3, exclusiveMaximum: true },
      3,
      ['spec: Invalid value: 3: spec in body should be less than 3'],
    ],
    [{ type: 'number', multipleOf: 0.1 }, 0.3, []],
    [
      { ...integer, multipleOf: 2 },
      3,
      ['spec: Invalid value: 3: spec in body should be a multiple of 2'],
    ],
    [
      integer,
      1.5,
      ['spec: Invalid value: "number": spec in body must be of type integer: "number"'],
    ],
    [
      integer,
      'x',
      ['spec: Invalid value: "string": spec in body must be of type integer: "string"'],
    ],
    [string, null, ['spec: Invalid value: "null": spec in body must be of type string: "null"']],
    [{ ...string, nullable: true }, null, []],
    [
      { ...string, enum: ['a', 'b'] },
      'c',
      ['spec: Unsupported value: "c": supported values: "a", "b"'],
    ],
    [
      { ...string, pattern: '^a+$' },
      'b',
      [`spec: Invalid value: "b": spec in body should match '^a+$'`],
    ],
    [
      { ...string, minLength: 2 },
      '😀',
      ['spec: Invalid value: "😀": spec in body should be at least 2 chars long'],
    ],
    [{ ...string, maxLength: 1 }, '😀', []],
    [{ ...string, maxLength: 1 }, 'ab', ['spec: Too long: may not be more than 1 bytes']],
    [
      { ...string, format: 'date-time' },
      'now',
      ['spec: Invalid value: "now": spec in body must be of type date-time: "now"'],
    ],
    [{ ...string, format: 'unheard-of' }, 'now', []],
    [
      { 'x-kubernetes-int-or-string': true },
      true,
      ['spec: Invalid value: "boolean": spec in body must be of type integer,string: "boolean"'],
    ],
    [{ 'x-kubernetes-int-or-string': true }, '50%', []],
    [
      { type: 'array', items: integer, maxItems: 1 },
      [1, 2],
      ['spec: Too many: 2: must have at most 1 items'],
    ],
    [
      { type: 'array', items: integer, minItems: 1 },
      [],
      ['spec: Invalid value: 0: spec in body should have at least 1 items'],
    ],
    [
      { type: 'array', items: integer },
      [1, 'x'],
      ['spec[1]: Invalid value: "string": spec[1] in body must be of type integer: "string"'],
    ],
    [
      { type: 'array', items: string, 'x-kubernetes-list-type': 'set' },
      ['a', 'b', 'a'],
      ['spec[2]: Duplicate value: "a"'],
    ],
    [
      {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        items: { type: 'object', required: ['name'], properties: { name: string } },
      },
      [{ name: 'a' }, { name: 'a' }],
      ['spec[1]: Duplicate value: {"name":"a"}'],
    ],
    [
      { type: 'object', required: ['x'], properties: { x: string } },
      {},
      ['spec.x: Required value'],
    ],
    [
      { type: 'object', additionalProperties: integer },
      { a: 'x' },
      ['spec.a: Invalid value: "string": spec.a in body must be of type integer: "string"'],
    ],
    [
      { type: 'object', additionalProperties: integer, maxProperties: 0 },
      { a: 1 },
      ['spec: Too many: 1: must have at most 0 items'],
    ],
    [
      {
        type: 'object',
        properties: { a: string, b: string },
        oneOf: [{ required: ['a'] }, { required: ['b'] }],
      },
      { a: '', b: '' },
      [
        'spec: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found 2 valid alternatives',
      ],
    ],
    [
      { type: 'object', properties: { a: string }, anyOf: [{ required: ['a'] }] },
      {},
      [
        'spec: Invalid value: "": "spec" must validate at least one schema (anyOf)',
        'spec.a: Required value',
      ],
    ],
    [
      { ...integer, not: { enum: [3] } },
      3,
      ['spec: Invalid value: "": "spec" must not validate the schema (not)'],
    ],
    [
      { type: 'object', 'x-kubernetes-embedded-resource': true, ...preserve },
      { kind: 'Pod' },
      ['spec.apiVersion: Required value: must not be empty'],
    ],
  ];

test('validateSchema() speaks as upstream does', () => {
  for (const [schema, value, messages] of values) {
    assert.deepEqual(problems(compiled(schema), value), messages, JSON.stringify([schema, value]));
  }
});

test('validateSchema() matches a hostile pattern in linear time', () => {
  const schema = compiled({ ...string, pattern: '^(a+)+$' });
  const started = performance.now();
  assert.equal(problems(schema, `${'a'.repeat(50_000)}b`).length, 1);
  assert.ok(performance.now() - started < 2000);
});

test('validateSchema() does not mistake inherited names for fields', () => {
  const schema = specOf({ toString: string }, { required: ['constructor'] });
  assert.deepEqual(problems(schema, {}), ['spec.constructor: Required value']);
});

const defaulting: readonly (readonly [schema: object, value: object, result: object])[] = [
  [{ a: { ...string, default: 'x' } }, {}, { a: 'x' }],
  [{ a: { ...string, default: 'x' } }, { a: 'y' }, { a: 'y' }],
  [{ a: { ...string, default: 'x' } }, { a: null }, { a: 'x' }],
  [{ a: { ...string, default: 'x', nullable: true } }, { a: null }, { a: null }],
  [{ a: string }, { a: null }, {}],
  [{ a: { type: 'object', properties: { b: { ...integer, default: 1 } } } }, {}, {}],
  [
    { a: { type: 'object', properties: { b: { ...integer, default: 1 } } } },
    { a: {} },
    { a: { b: 1 } },
  ],
  [
    { a: { type: 'object', default: {}, properties: { b: { ...integer, default: 1 } } } },
    {},
    { a: { b: 1 } },
  ],
  [
    {
      a: {
        type: 'array',
        items: { type: 'object', properties: { b: { ...integer, default: 1 } } },
      },
    },
    { a: [{}, { b: 2 }] },
    { a: [{ b: 1 }, { b: 2 }] },
  ],
  [
    { a: { type: 'object', additionalProperties: { ...string, default: 'x' } } },
    { a: { k: null } },
    { a: { k: 'x' } },
  ],
];

test('applyDefaults() fills in what is absent, and never a parent', () => {
  for (const [properties, spec, result] of defaulting) {
    const object = { spec };
    applyDefaults(specOf(properties), object);
    assert.deepEqual(object, { spec: result }, JSON.stringify(properties));
  }
});

test('applyDefaults() gives each object its own copy of a default', () => {
  const schema = specOf({ a: { type: 'array', items: string, default: ['x'] } });
  const [one, two] = [{ spec: {} as { a?: string[] } }, { spec: {} as { a?: string[] } }];
  applyDefaults(schema, one);
  applyDefaults(schema, two);
  one.spec.a?.push('y');
  assert.deepEqual(two.spec.a, ['x']);
});

test('applyDefaults() prefers the default of the property to that of its type', () => {
  const schema: Schema = {
    type: 'object',
    properties: { a: { schema: { type: 'string', default: 'type' }, default: 'property' } },
  };
  const object = {};
  applyDefaults(schema, object);
  assert.deepEqual(object, { a: 'property' });
});

test('pruneUnknown() drops what the schema does not know and says what', () => {
  const schema = specOf({
    known: string,
    open: { type: 'object', properties: { known: { type: 'object' } }, ...preserve },
    list: { type: 'array', items: { type: 'object', properties: { a: string } } },
    map: { type: 'object', additionalProperties: { type: 'object', properties: { a: string } } },
  });
  const object = {
    apiVersion: 'x/v1',
    kind: 'X',
    metadata: { name: 'x', unknown: 1 },
    spec: {
      known: 'x',
      unknown: 1,
      open: { anything: { goes: 1 }, known: { not: 1 } },
      list: [{ a: 'x', b: 1 }],
      map: { k: { a: 'x', b: 1 } },
    },
    extra: 1,
  };
  assert.deepEqual(pruneUnknown(schema, object), [
    'metadata.unknown',
    'spec.unknown',
    'spec.open.known.not',
    'spec.list[0].b',
    'spec.map.k.b',
    'extra',
  ]);
  assert.deepEqual(object, {
    apiVersion: 'x/v1',
    kind: 'X',
    metadata: { name: 'x' },
    spec: {
      known: 'x',
      open: { anything: { goes: 1 }, known: {} },
      list: [{ a: 'x' }],
      map: { k: { a: 'x' } },
    },
  });
});

test('additionalProperties: true stands beside properties, and keeps what they do not name', () => {
  const spec = specOf({ a: string }, { additionalProperties: true });
  const object = { spec: { a: 'x', b: { c: 1 } } };
  assert.deepEqual(pruneUnknown(spec, object), []);
  assert.deepEqual(object, { spec: { a: 'x', b: { c: 1 } } });
});

test('pruneUnknown() drops __proto__ like any unknown field', () => {
  const object = JSON.parse('{"spec":{"__proto__":{"a":1}}}') as object;
  assert.deepEqual(pruneUnknown(specOf({}), object), ['spec.__proto__']);
});

// The schema of field `spec`, and the one complaint about it (relative to the schema's path).
const refused: readonly (readonly [spec: unknown, complaint: string])[] = [
  [{}, 'properties[spec].type: Required value: must not be empty for specified object fields'],
  [{ type: 'array' }, 'properties[spec].items: Required value: must be specified'],
  [
    { type: 'array', items: {} },
    'properties[spec].items.type: Required value: must not be empty for specified array items',
  ],
  [
    { type: 'text' },
    'properties[spec].type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"',
  ],
  [{ ...string, $ref: '#/x' }, 'properties[spec].$ref: Forbidden: $ref is not supported'],
  [
    { type: 'object', properties: { a: string }, additionalProperties: string },
    'properties[spec].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive',
  ],
  [
    { ...string, anyOf: [{ type: 'string' }] },
    'properties[spec].anyOf[0].type: Forbidden: must be empty to be structural',
  ],
  [
    { ...string, anyOf: [{ default: 'x' }] },
    'properties[spec].anyOf[0].default: Forbidden: must be undefined to be structural',
  ],
  [
    { type: 'object', not: { properties: { a: {} } } },
    'properties[spec].properties[a]: Required value: because it is defined in not.properties[a]',
  ],
  [
    { ...integer, default: 'x' },
    'properties[spec].default: Invalid value: "string": spec.versions[0].schema.openAPIV3Schema.properties[spec].default in body must be of type integer: "string"',
  ],
  [
    { type: 'object', default: { a: 1 } },
    'properties[spec].default.a: Invalid value: {"a":1}: must not have unknown fields',
  ],
  [
    { type: 'array', items: string, uniqueItems: true },
    'properties[spec].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
  ],
  [
    { ...string, minLength: -1 },
    'properties[spec].minLength: Invalid value: -1: must be a non-negative integer',
  ],
  [
    { type: 'array', items: string, 'x-kubernetes-list-type': 'map' },
    'properties[spec].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map',
  ],
  [
    {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['a'],
      items: { type: 'object', properties: { a: string } },
    },
    'properties[spec].items.properties[a].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
  ],
  [
    { ...string, 'x-kubernetes-embedded-resource': true },
    'properties[spec].type: Invalid value: "string": must be object if x-kubernetes-embedded-resource is true',
  ],
  ['x', 'properties[spec]: Invalid value: "x": must be an object'],
];

test('compileStructural() says where a schema is not structural', () => {
  for (const [spec, complaint] of refused) {
    const result = compileStructural({ type: 'object', properties: { spec } }, PATH);
    assert.ok(!('schema' in result), complaint);
    const first = result[0];
    assert.equal(`${first?.field}: ${first?.message}`, `${PATH}.${complaint}`);
  }
});

test('compileStructural() refuses a bad pattern and a bad root', () => {
  for (const source of [
    { type: 'object', properties: { a: { ...string, pattern: '(' } } },
    {},
    { type: 'string' },
    {
      type: 'object',
      properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } },
    },
    undefined,
  ]) {
    assert.ok(!('schema' in compileStructural(source, PATH)), JSON.stringify(source));
  }
});

test('compileStructural() accepts the spelled-out int-or-string and keeps CEL rules', () => {
  const rules = [{ rule: 'self == oldSelf' }];
  const schema = specOf({
    port: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
    name: { ...string, 'x-kubernetes-validations': rules },
  });
  const spec = schema.properties?.['spec']?.schema;
  assert.deepEqual(spec?.properties?.['port']?.schema, { type: 'intOrString' });
  assert.deepEqual(spec?.properties?.['name']?.schema.validations, rules);
});
