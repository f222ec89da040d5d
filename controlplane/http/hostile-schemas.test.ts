// Custom kinds whose authors mean harm: schemas too deep and too wide, patterns that blow up a backtracking engine.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { credentialsOf, startTestPlane } from '../control-plane-fixture.ts';
import type { TestPlane } from '../control-plane-fixture.ts';

import { assertStatus, rawClient } from './raw-client-fixture.ts';
import type { RawClient } from './raw-client-fixture.ts';

const JSON_TYPE = 'application/json';
const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

let fixture: TestPlane;
let send: RawClient['send'];

before(async () => {
  fixture = await startTestPlane();
  const credentials = await credentialsOf(fixture.plane.adminKubeconfig);
  ({ send } = rawClient(fixture.plane.port, credentials));
});
after(() => fixture.close());

function definition(plural: string, spec: unknown): string {
  return JSON.stringify({
    metadata: { name: `${plural}.hostile.dev` },
    spec: {
      group: 'hostile.dev',
      scope: 'Namespaced',
      names: { plural, kind: `${plural.charAt(0).toUpperCase()}${plural.slice(1)}` },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
        },
      ],
    },
  });
}

function nested(depth: number): string {
  return `${'{"type":"object","properties":{"a":'.repeat(depth)}{"type":"string"}${'}}'.repeat(depth)}`;
}

test('schemas and patterns of custom kinds cannot stop the server', async () => {
  const refused: readonly (readonly [spec: unknown, code: number])[] = [
    [1, 400],
    [{}, 422],
    [JSON.parse(nested(400)), 400],
    [{ type: 'string', pattern: '[' }, 422],
    [{ type: 'string', pattern: '(x{1000}){1000}' }, 422],
    [{ type: 'string', pattern: `${'('.repeat(50_000)}${')'.repeat(50_000)}` }, 422],
    [{ type: 'string', pattern: '(?=a)b' }, 422],
    [{ type: 'number', multipleOf: 0 }, 422],
    [{ type: 'array', items: { type: 'string' }, uniqueItems: true }, 422],
    [{ type: 'string', default: { a: 1 } }, 422],
  ];
  for (const [index, [spec, code]] of refused.entries()) {
    const heard = await send('POST', DEFINITIONS, definition(`refused${index}`, spec), JSON_TYPE);
    assertStatus(heard, code, JSON.stringify(spec).slice(0, 80));
  }
  const wide = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, index) => [`p${index}`, { type: 'string', maxLength: 5 }]),
  );
  const accepted: readonly (readonly [spec: unknown, value: unknown, code: number])[] = [
    [{ type: 'string', pattern: '^(a+)+$' }, `${'a'.repeat(100_000)}!`, 422],
    [{ type: 'string', pattern: `${'(.*)*'.repeat(20)}x` }, 'a'.repeat(100_000), 422],
    [{ type: 'object', properties: wide }, { p9999: 'too long' }, 422],
    [
      JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"}}}'),
      JSON.parse('{"__proto__":1}'),
      422,
    ],
    [
      { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
      Array(20_000).fill('a'),
      422,
    ],
  ];
  for (const [index, [spec, value, code]] of accepted.entries()) {
    const plural = `accepted${index}`;
    const made = await send('POST', DEFINITIONS, definition(plural, spec), JSON_TYPE);
    assert.equal(made.code, 201, made.text.slice(0, 300));
    const instance = JSON.stringify({ metadata: { name: 'x' }, spec: value });
    const path = `/apis/hostile.dev/v1/namespaces/default/${plural}`;
    assertStatus(
      await send('POST', path, instance, JSON_TYPE),
      code,
      JSON.stringify(spec).slice(0, 80),
    );
  }
});
