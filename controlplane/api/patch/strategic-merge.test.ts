import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../errors.ts';
import { builtinSchema } from '../schema/corpus.ts';
import type { Schema } from '../schema/schema.ts';
import { applyStrategicMergePatch } from './strategic-merge.ts';

function schemaOf(group: string, version: string, kind: string): Schema {
  const schema = builtinSchema(group, version, kind);
  assert.ok(schema, kind);
  return schema;
}

const pod = schemaOf('', 'v1', 'Pod');
const spec = (fields: object): object => ({ spec: fields });
const web = { name: 'web', image: 'a', env: [{ name: 'A', value: '1' }] };
const log = { name: 'log', image: 'b' };

type Row = readonly [name: string, original: object, patch: object, result: object];

const rows: readonly Row[] = [
  [
    'merges containers by name',
    spec({ containers: [web, log] }),
    spec({ containers: [{ name: 'log', image: 'c' }] }),
    spec({ containers: [web, { name: 'log', image: 'c' }] }),
  ],
  [
    'merges environment inside a container',
    spec({ containers: [web] }),
    spec({ containers: [{ name: 'web', env: [{ name: 'B', value: '2' }] }] }),
    spec({
      containers: [
        {
          ...web,
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '2' },
          ],
        },
      ],
    }),
  ],
  [
    'deletes an item',
    spec({ containers: [web, log] }),
    spec({ containers: [{ $patch: 'delete', name: 'web' }] }),
    spec({ containers: [log] }),
  ],
  [
    'replaces a list',
    spec({ containers: [web, log] }),
    spec({ containers: [{ $patch: 'replace' }, { name: 'x', image: 'y' }] }),
    spec({ containers: [{ name: 'x', image: 'y' }] }),
  ],
  [
    'orders as $setElementOrder says, new items included',
    spec({ containers: [web, log] }),
    spec({
      '$setElementOrder/containers': [{ name: 'new' }, { name: 'log' }, { name: 'web' }],
      containers: [{ name: 'new', image: 'n' }],
    }),
    spec({ containers: [{ name: 'new', image: 'n' }, log, web] }),
  ],
  [
    'keeps what only the server has in its place',
    spec({ containers: [{ name: 'server' }, { name: 'b' }] }),
    spec({
      '$setElementOrder/containers': [{ name: 'b' }, { name: 'c' }],
      containers: [{ name: 'c' }],
    }),
    spec({ containers: [{ name: 'server' }, { name: 'b' }, { name: 'c' }] }),
  ],
  [
    'merges ports by containerPort',
    spec({ containers: [{ name: 'w', ports: [{ containerPort: 80 }, { containerPort: 90 }] }] }),
    spec({ containers: [{ name: 'w', ports: [{ containerPort: 90, name: 'm' }] }] }),
    spec({
      containers: [{ name: 'w', ports: [{ containerPort: 80 }, { containerPort: 90, name: 'm' }] }],
    }),
  ],
  [
    'drops the other volume sources with $retainKeys',
    spec({ volumes: [{ name: 'v', emptyDir: {} }] }),
    spec({ volumes: [{ $retainKeys: ['name', 'hostPath'], name: 'v', hostPath: { path: '/' } }] }),
    spec({ volumes: [{ name: 'v', hostPath: { path: '/' } }] }),
  ],
  [
    'replaces tolerations, which have no merge key',
    spec({ tolerations: [{ key: 'a' }] }),
    spec({ tolerations: [{ key: 'b' }] }),
    spec({ tolerations: [{ key: 'b' }] }),
  ],
  [
    'adds finalizers as a set',
    { metadata: { finalizers: ['a', 'b'] } },
    { metadata: { finalizers: ['b', 'c'] } },
    { metadata: { finalizers: ['a', 'b', 'c'] } },
  ],
  [
    'deletes from a list of values',
    { metadata: { finalizers: ['a', 'b'] } },
    { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } },
    { metadata: { finalizers: ['b'] } },
  ],
  [
    'removes with null, in labels too',
    { metadata: { labels: { a: '1', b: '2' } }, spec: { nodeName: 'n' } },
    { metadata: { labels: { a: null } }, spec: { nodeName: null } },
    { metadata: { labels: { b: '2' } }, spec: {} },
  ],
  [
    'replaces a map',
    spec({ nodeSelector: { a: '1' } }),
    spec({ nodeSelector: { $patch: 'replace', b: '2' } }),
    spec({ nodeSelector: { b: '2' } }),
  ],
  [
    'empties a map',
    spec({ securityContext: { runAsUser: 1 } }),
    spec({ securityContext: { $patch: 'delete' } }),
    spec({ securityContext: {} }),
  ],
  [
    'adds a list that was not there, without nulls and directives',
    spec({}),
    spec({ containers: [{ name: 'w', image: null }] }),
    spec({ containers: [{ name: 'w' }] }),
  ],
  [
    'merges conditions by type',
    {
      status: {
        conditions: [
          { type: 'Ready', status: 'False' },
          { type: 'Init', status: 'True' },
        ],
      },
    },
    { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
    {
      status: {
        conditions: [
          { type: 'Ready', status: 'True' },
          { type: 'Init', status: 'True' },
        ],
      },
    },
  ],
];

for (const [name, original, patch, result] of rows) {
  test(`applyStrategicMergePatch() ${name}`, () => {
    const before = structuredClone([original, patch]);
    assert.deepEqual(applyStrategicMergePatch(original, patch, pod), result);
    assert.deepEqual([original, patch], before, 'arguments must stay as they were');
  });
}

const refused: readonly (readonly [name: string, patch: unknown, code: number, why: RegExp])[] = [
  [
    'an item without its key',
    spec({ containers: [{ image: 'x' }] }),
    422,
    /map: map\[image:x\] does not contain declared merge key: name/,
  ],
  ['an unknown directive', spec({ $patch: 'burn' }), 400, /unknown patch type found/],
  ['no object', [], 400, /must be an object/],
  ['bad retainKeys', spec({ $retainKeys: 'x' }), 400, /retainKeys/],
  ['a field that retainKeys leaves out', spec({ $retainKeys: [], nodeName: 'x' }), 400, /nodeName/],
  [
    'an order without the patched item',
    spec({ '$setElementOrder/containers': [{ name: 'a' }], containers: [{ name: 'b' }] }),
    400,
    /doesn't match \$setElementOrder/,
  ],
  ['lists of lists', spec({ containers: [['a']] }), 422, /lists of lists/],
];

test('applyStrategicMergePatch() refuses malformed patches', () => {
  for (const [name, patch, code, why] of refused) {
    assert.throws(
      () => applyStrategicMergePatch(spec({ containers: [web] }), patch, pod),
      (error: unknown) => {
        assert.ok(error instanceof ApiError, name);
        assert.equal(error.code, code, name);
        const causes = error.details?.causes?.map(({ message }) => message).join() ?? '';
        assert.match(`${error.message} ${causes}`, why, name);
        return true;
      },
      name,
    );
  }
});

test('applyStrategicMergePatch() takes __proto__ as a field like any other', () => {
  const patch: unknown = JSON.parse('{"metadata":{"__proto__":{"polluted":"1"}}}');
  applyStrategicMergePatch({}, patch, pod);
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
});
