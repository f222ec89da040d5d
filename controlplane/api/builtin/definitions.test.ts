import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtinSchema } from '../schema/corpus.ts';
import { builtinDefinitions } from './definitions.ts';

test('every built-in kind has a schema with metadata in the corpus', () => {
  for (const definition of builtinDefinitions(builtinSchema)) {
    assert.ok(definition.schema.properties?.['metadata'], definition.kind);
  }
});

test('a kind that the corpus does not know is named', () => {
  const [first] = builtinDefinitions(() => undefined);
  assert.throws(() => first?.schema, /Cannot define \w+: the schema corpus has no /);
});
