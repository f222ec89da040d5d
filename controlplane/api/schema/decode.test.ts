import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { ApiError } from '../errors.ts';
import { builtinSchema } from './corpus.ts';
import { conformObject, decodeBody, parsePatchBody } from './decode.ts';
import type { Schema } from './schema.ts';

const widget: Schema = {
  type: 'object',
  properties: {
    spec: {
      schema: {
        type: 'object',
        properties: {
          size: { schema: { type: 'integer' } },
          note: { schema: { type: 'string', nullable: true } },
          open: { schema: { type: 'object', preserveUnknownFields: true } },
          template: {
            schema: { type: 'object', embeddedResource: true, preserveUnknownFields: true },
          },
          tags: { schema: { type: 'object', additionalProperties: { type: 'string' } } },
        },
      },
    },
  },
};

function schemaOf(kind: string): Schema {
  const schema = builtinSchema('', 'v1', kind);
  assert.ok(schema !== undefined);
  return schema;
}

function decode(text: string, schema: Schema | undefined, contentType?: string) {
  return decodeBody(Buffer.from(text), contentType, schema);
}

function errorOf(action: () => unknown): ApiError {
  try {
    action();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('Nothing was thrown');
}

const pod = (spec: string): string =>
  `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":${spec}}`;

test('decodeBody() says what an unreadable body should have been, and nothing of what it was', () => {
  for (const type of ['application/json', 'application/vnd.kubernetes.protobuf']) {
    const body = Buffer.from('data: {password: c2VjcmV0}');
    const { message } = errorOf(() => decodeBody(body, type, schemaOf('Secret'), 'Secret'));
    assert.match(message, /^the object provided is unrecognized \(must be of type Secret\): the /);
    assert.doesNotMatch(message, /password|c2VjcmV0/);
  }
});

test('decodeBody() tells and drops the unknown fields of a built-in type', () => {
  const { object, problems } = decode(
    pod('{"foo":1,"containers":[{"name":"a","image":"b"},{"name":"b","Image":"b"}]}'),
    schemaOf('Pod'),
  );
  assert.deepEqual(problems, [
    'unknown field "spec.foo"',
    'unknown field "spec.containers[1].Image"',
  ]);
  assert.deepEqual(object['spec'], { containers: [{ name: 'a', image: 'b' }, { name: 'b' }] });
});

test('decodeBody() tells duplicate fields, in JSON and in YAML, and keeps the last', () => {
  const bodies = [
    [
      'application/json',
      pod('{"containers":[{"name":"a","name":"b"}]}'),
      'duplicate field "spec.containers[0].name"',
    ],
    [
      'application/yaml',
      'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: a\n    name: b\n',
      'yaml: unmarshal errors:\n  line 7: key "name" already set in map',
    ],
  ] as const;
  for (const [contentType, text, problem] of bodies) {
    const { object, problems } = decode(text, schemaOf('Pod'), contentType);
    assert.deepEqual(problems, [problem]);
    assert.deepEqual(object['spec'], { containers: [{ name: 'b' }] });
  }
});

test('decodeBody() drops what means absence in built-in types', () => {
  const { object } = decode(
    '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"","creationTimestamp":null,"labels":{}},' +
      '"spec":{"hostNetwork":false,"automountServiceAccountToken":false,"nodeName":"","volumes":[],' +
      '"terminationGracePeriodSeconds":0,"containers":[{"name":"","image":"x","resources":{}}]},"status":{}}',
    schemaOf('Pod'),
  );
  assert.deepEqual(object, {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {},
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      containers: [{ image: 'x', resources: {} }],
    },
    status: {},
  });
});

test('decodeBody() keeps zero values that upstream always writes', () => {
  const { object } = decode(
    '{"status":{"containerStatuses":[{"name":"a","ready":false,"restartCount":0,"image":"","imageID":""}]}}',
    schemaOf('Pod'),
  );
  assert.deepEqual(object['status'], {
    containerStatuses: [{ name: 'a', ready: false, restartCount: 0, image: '', imageID: '' }],
  });
});

test('decodeBody() takes numbers as quantities and brings times to UTC', () => {
  const { object } = decode(
    '{"metadata":{"creationTimestamp":"2026-11-21T02:34:02.5+01:00"},"spec":{"containers":[{"resources":{"limits":{"cpu":1.5,"memory":"64Mi"}}}]}}',
    schemaOf('Pod'),
  );
  assert.deepEqual(object, {
    metadata: { creationTimestamp: '2026-11-21T01:34:02Z' },
    spec: { containers: [{ resources: { limits: { cpu: '1.5', memory: '64Mi' } } }] },
  });
});

test('decodeBody() keeps the microseconds of a MicroTime', () => {
  const lease = builtinSchema('coordination.k8s.io', 'v1', 'Lease');
  const times = [
    ['2026-11-21T01:34:02.000074+00:00', '2026-11-21T01:34:02.000074Z'],
    ['2026-11-21T01:34:02Z', '2026-11-21T01:34:02.000000Z'],
    ['2026-11-21T00:34:02.1234567-01:00', '2026-11-21T01:34:02.123456Z'],
  ];
  for (const [sent, kept] of times) {
    const { object } = decode(JSON.stringify({ spec: { renewTime: sent } }), lease);
    assert.deepEqual(object['spec'], { renewTime: kept });
  }
  const error = errorOf(() => decode('{"spec":{"renewTime":"yesterday"}}', lease));
  assert.match(error.message, /^cannot parse "yesterday" in field spec\.renewTime/);
});

test('decodeBody() prunes custom resources but leaves their values to validation', () => {
  const { object, problems } = decode(
    '{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"a","creationTimestamp":null,"foo":1},"extra":1,' +
      '"spec":{"size":"large","note":null,"bar":{"x":1},"open":{"x":null},"template":{"kind":"X","metadata":{"y":1},"z":1},"tags":{"a":1}}}',
    widget,
  );
  assert.deepEqual(problems, [
    'unknown field "metadata.foo"',
    'unknown field "extra"',
    'unknown field "spec.bar"',
    'unknown field "spec.template.metadata.y"',
  ]);
  assert.deepEqual(object, {
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: { name: 'a' },
    spec: {
      size: 'large',
      note: null,
      open: { x: null },
      template: { kind: 'X', metadata: {}, z: 1 },
      tags: { a: 1 },
    },
  });
});

const wrongTypes: readonly [spec: string, message: string][] = [
  [
    '{"containers":{}}',
    'json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container',
  ],
  [
    '{"nodeSelector":{"a":1}}',
    'json: cannot unmarshal number into Go struct field PodSpec.spec.nodeSelector.a of type string',
  ],
  [
    '{"hostNetwork":"yes"}',
    'json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool',
  ],
  [
    '{"priority":1.5}',
    'json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.priority of type int32',
  ],
  [
    '{"priority":2147483648}',
    'json: cannot unmarshal number 2147483648 into Go struct field PodSpec.spec.priority of type int32',
  ],
  ['[]', 'json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec'],
];

for (const [spec, message] of wrongTypes) {
  test(`decodeBody() refuses a Pod with spec ${spec}`, () => {
    const error = errorOf(() => decode(pod(spec), schemaOf('Pod')));
    assert.equal(error.code, 400);
    assert.equal(error.reason, 'BadRequest');
    assert.equal(error.message, `Pod in version "v1" cannot be handled as a Pod: ${message}`);
  });
}

test('decodeBody() refuses bytes that are not base64', () => {
  const error = errorOf(() => decode('{"kind":"Secret","data":{"a":"%"}}', schemaOf('Secret')));
  assert.match(error.message, /illegal base64 data in field data\.a$/);
  const { object } = decode('{"data":{"a":"YWJj\\nZGVm"}}', schemaOf('Secret'));
  assert.deepEqual(object['data'], { a: 'YWJjZGVm' });
});

test('decodeBody() names the accepted types for a content type it cannot read', () => {
  const builtin = errorOf(() => decode('{}', schemaOf('Pod'), 'text/plain'));
  assert.equal(builtin.code, 415);
  assert.match(
    builtin.message,
    /application\/json, application\/yaml, application\/vnd\.kubernetes\.protobuf$/,
  );
  const custom = errorOf(() => decode('{}', widget, 'application/vnd.kubernetes.protobuf'));
  assert.equal(custom.code, 415);
  assert.match(custom.message, /application\/json, application\/yaml$/);
});

test('decodeBody() reads content types with parameters and in any case, and none as JSON', () => {
  for (const contentType of ['Application/JSON; charset=utf-8', '', undefined]) {
    assert.deepEqual(decode('{"data":{"a":"b"}}', schemaOf('ConfigMap'), contentType).object, {
      data: { a: 'b' },
    });
  }
});

test('decodeBody() answers hostile bodies with 400', () => {
  const bodies: Record<string, string> = {
    empty: '',
    'not JSON': '{',
    'no object': '[]',
    null: 'null',
    'a string': '"x"',
    'deep objects': '{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000),
    'deep lists': `{"data":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    'a number out of range': '{"a":1e999}',
  };
  for (const [name, text] of Object.entries(bodies)) {
    for (const schema of [undefined, schemaOf('ConfigMap'), widget]) {
      assert.equal(errorOf(() => decode(text, schema)).code, 400, name);
    }
  }
});

test('decodeBody() quotes nothing of a body in its errors', () => {
  const bodies = [
    ['{"kind":"Secret","stringData":{"a":"hunter2"x}}', 'application/json'],
    ['{"kind":"Secret","stringData":{"a":hunter2}}', 'application/json'],
    ['{"kind":"Secret","data":{"a":"hunter2"}}', 'application/json'],
    ['{"kind":"Secret","stringData":{"a":4242}}', 'application/json'],
    ['kind: Secret\nstringData:\n  a: "hunter2\n b: 4242', 'application/yaml'],
    ['kind: Secret\nstringData:\n  a: [hunter2\n', 'application/yaml'],
  ] as const;
  for (const [text, contentType] of bodies) {
    const error = errorOf(() => decode(text, schemaOf('Secret'), contentType));
    assert.equal(error.code, 400);
    assert.doesNotMatch(JSON.stringify(error.toStatus()), /hunter2|4242/, text);
    assert.doesNotMatch(String(error.cause), /hunter2|4242/, text);
  }
});

test('decodeBody() answers hostile YAML with 400', () => {
  const bombs = Array.from({ length: 12 }, (_, i) =>
    i === 0
      ? 'a0: &a0 [x, x]'
      : `a${i}: &a${i} [${Array.from({ length: 9 }, () => `*a${i - 1}`).join()}]`,
  );
  const bodies: Record<string, string> = {
    empty: '',
    'several documents': 'a: 1\n---\nb: 2\n',
    'a bad indent': 'a:\n - b\n  c: 1\n',
    'an unknown alias': 'a: *b\n',
    'an alias bomb': bombs.join('\n'),
    'deep lists': `a: ${'['.repeat(20_000)}${']'.repeat(20_000)}`,
    'not a number': 'a: .nan\n',
    infinity: 'a: .inf\n',
  };
  for (const [name, text] of Object.entries(bodies)) {
    assert.equal(errorOf(() => decode(text, undefined, 'application/yaml')).code, 400, name);
  }
});

test('decodeBody() reads YAML as kubectl does', () => {
  const text =
    'a: 0644\nb: yes\nc: "yes"\nd: 2020-01-01\ne: 12:30\nf: ~\ng: 1e3\n<<: {h: 1}\n8080: x\n';
  assert.deepEqual(decode(text, undefined, 'application/yaml').object, {
    a: 420,
    b: true,
    c: 'yes',
    d: '2020-01-01',
    e: '12:30',
    f: null,
    g: 1000,
    h: 1,
    8080: 'x',
  });
});

test('decodeBody() treats __proto__ and constructor as unknown fields', () => {
  const { object, problems } = decode(
    '{"__proto__":{"x":1},"constructor":1}',
    schemaOf('ConfigMap'),
  );
  assert.deepEqual(problems, ['unknown field "__proto__"', 'unknown field "constructor"']);
  assert.deepEqual(Object.getOwnPropertyNames(object), []);
});

test('decodeBody() replaces invalid UTF-8 as Go does', () => {
  const body = Buffer.from('{"data":{"a":"\xff"}}', 'latin1');
  const { object } = decodeBody(body, undefined, schemaOf('ConfigMap'));
  assert.deepEqual(object['data'], { a: '\ufffd' });
});

test('decodeBody() never fails with anything but an ApiError', () => {
  const kinds = ['Pod', 'ConfigMap', 'Secret', 'Node', 'Event'].map(schemaOf);
  const specLike = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(null, 0, 1.5, -1, '', 'x', true, false),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom('metadata', 'spec', 'data', 'containers', 'name', 'status', 'x'),
        tie('value'),
      ),
    ),
  }));
  fc.assert(
    fc.property(fc.constantFrom(...kinds, widget), specLike.value, (schema, value) => {
      try {
        decode(JSON.stringify(value), schema);
      } catch (error) {
        assert.ok(error instanceof ApiError);
      }
    }),
    { numRuns: 2000 },
  );
});

test('decodeBody() reads the JSON and the protobuf form of an object alike', () => {
  const folder = new URL('./fixtures/', import.meta.url);
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
    const hex = readFileSync(new URL(file.replace('.json', '.pb.hex'), folder), 'utf8');
    const binary = decodeBody(
      Buffer.from(hex.replaceAll('\n', ''), 'hex'),
      'application/vnd.kubernetes.protobuf',
      schemaOf('Pod'),
    );
    const { apiVersion, kind } = binary.object;
    const [group = '', version = ''] = apiVersion.includes('/')
      ? apiVersion.split('/')
      : ['', apiVersion];
    const text = decodeBody(
      readFileSync(new URL(file, folder)),
      'application/json',
      builtinSchema(group, version, kind),
    );
    assert.deepEqual(text.problems, [], file);
    assert.deepEqual(text.object, binary.object, file);
  }
});

test('parsePatchBody() reads each patch type and tells duplicates', () => {
  const parse = (text: string, type: string) => parsePatchBody(Buffer.from(text), type);
  assert.deepEqual(parse('[{"op":"remove","path":"/a"}]', 'application/json-patch+json').patch, [
    { op: 'remove', path: '/a' },
  ]);
  assert.deepEqual(parse('{"a":null,"a":{"b":1,"b":2}}', 'application/merge-patch+json'), {
    patch: { a: { b: 2 } },
    problems: ['duplicate field "a"', 'duplicate field "a.b"'],
  });
  assert.deepEqual(parse('a:\n  b: 1\n  b: 2\n', 'application/apply-patch+yaml'), {
    patch: { a: { b: 2 } },
    problems: ['yaml: unmarshal errors:\n  line 3: key "b" already set in map'],
  });
  assert.deepEqual(parse('{"a":1,"a":2}', 'application/apply-patch+yaml').problems, [
    'duplicate field "a"',
  ]);
  assert.deepEqual(parse('{a: b}', 'application/apply-patch+yaml').patch, { a: 'b' });
  for (const type of ['application/json', 'application/vnd.kubernetes.protobuf', '']) {
    assert.equal(errorOf(() => parse('{}', type)).code, 415);
  }
  assert.equal(errorOf(() => parse('{', 'application/merge-patch+json')).code, 400);
});

test('conformObject() fits the result of a patch to its schema', () => {
  const object = { apiVersion: 'v1', kind: 'Pod', metadata: {}, spec: { foo: 1, nodeName: '' } };
  assert.deepEqual(conformObject(object, schemaOf('Pod')), ['unknown field "spec.foo"']);
  assert.deepEqual(object.spec, {});
});
