// Server-side apply on random objects of a schema that has every kind of list and map: what must hold whatever is applied.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ApiError } from '../errors.ts';
import { applyDefaults } from '../schema/default.ts';
import { copyJson, equalJson } from '../schema/json-value.ts';
import type { Schema } from '../schema/schema.ts';
import { compileStructural } from '../schema/structural.ts';
import { applyConfiguration } from './apply.ts';
import type { Applied } from './apply.ts';
import { pathsOf } from './conflict.ts';
import { configuredFields } from './configured.ts';
import { isEmpty, LEAF } from './field-set.ts';
import { untrackedBelow } from './untracked.ts';
import { NOTHING, ownersAfterUpdate } from './update.ts';
import type { Perspective } from './update.ts';

const PORT = {
  type: 'object',
  required: ['port'],
  properties: {
    port: { type: 'integer' },
    protocol: { type: 'string', default: 'TCP' },
    name: { type: 'string' },
  },
};
const schema = schemaOf({
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        text: { type: 'string' },
        ports: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['port', 'protocol'],
          items: PORT,
        },
        tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
        list: { type: 'array', items: { type: 'string' } },
        labels: { type: 'object', additionalProperties: { type: 'string' } },
        selector: {
          type: 'object',
          'x-kubernetes-map-type': 'atomic',
          additionalProperties: { type: 'string' },
        },
        any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        inner: { type: 'object', properties: { a: { type: 'string' }, b: { type: 'integer' } } },
      },
    },
  },
});

function schemaOf(source: unknown): Schema {
  const compiled = compileStructural(source, 'schema');
  assert.ok('schema' in compiled, JSON.stringify(compiled));
  return compiled.schema;
}

const perspective: Perspective = {
  apiVersion: 'example.com/v1',
  subresource: '',
  schemaOf: () => schema,
  reset: LEAF,
  excluded: untrackedBelow,
};

const word = fc.constantFrom('a', 'b', 'c');
const plain = { noNullPrototype: true } as const;
const some = { minKeys: 1, maxKeys: 3, ...plain } as const;
const port = fc.record(
  { port: fc.integer({ min: 1, max: 3 }), protocol: fc.constantFrom('TCP', 'UDP'), name: word },
  { requiredKeys: ['port'], ...plain },
);
const spec = fc.record(
  {
    text: word,
    ports: fc.uniqueArray(port, {
      selector: ({ port: at, protocol = 'TCP' }) => `${at}/${protocol}`,
      minLength: 1,
      maxLength: 4,
    }),
    tags: fc.uniqueArray(word, { minLength: 1, maxLength: 3 }),
    list: fc.array(word, { maxLength: 3 }),
    labels: fc.dictionary(word, word, some),
    selector: fc.dictionary(word, word, some),
    any: fc.dictionary(word, fc.oneof(word, fc.dictionary(word, word, some)), some),
    inner: fc.record({ a: word, b: fc.nat(2) }, { requiredKeys: ['a'], ...plain }),
  },
  { requiredKeys: ['text'], ...plain },
);
const config = spec.map((value) => ({
  apiVersion: 'example.com/v1',
  kind: 'Thing',
  metadata: { name: 'x' },
  spec: value,
}));
const step = fc.record({
  manager: fc.constantFrom('one', 'two', 'three'),
  config,
  verb: fc.constantFrom('apply', 'force', 'update'),
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** As the server does it: what lost all that was in it is dropped, defaults are filled in. */
function apply(before: Applied, manager: string, config: unknown, force: boolean): Applied {
  const { object, entries } = applyConfiguration(perspective, before.object, before.entries, {
    object: config,
    manager: { name: manager, time: '2026-11-21T00:00:00Z' },
    force,
  });
  return { object: stored(object), entries };
}

function stored(object: unknown): unknown {
  const copy = copyJson(object);
  applyDefaults(schema, copy);
  return copy;
}

function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.code === 409;
}

/** One write; a conflict changes nothing. */
function play(before: Applied, { manager, config: wanted, verb }: Step): Applied {
  if (verb === 'update') {
    const object = stored(wanted);
    const time = '2026-11-21T00:00:00Z';
    const who = { name: manager, time };
    const entries = ownersAfterUpdate(perspective, before.entries, before.object, object, who);
    return { object, entries };
  }
  try {
    return apply(before, manager, wanted, verb === 'force');
  } catch (error) {
    if (!isConflict(error)) throw error;
    return before;
  }
}

const START: Applied = { object: NOTHING, entries: [] };
const history = fc.array(step, { maxLength: 6 }).map((steps) => steps.reduce(play, START));

test('applying the same again changes nothing', () => {
  fc.assert(
    fc.property(history, config, (before, wanted) => {
      const once = apply(before, 'one', wanted, true);
      const twice = apply(once, 'one', wanted, false);
      assert.deepEqual(twice, once);
    }),
  );
});

test('what was applied by force is in the object, and its fields are the manager’s alone or shared at the same value', () => {
  fc.assert(
    fc.property(history, config, (before, wanted) => {
      const { object, entries } = apply(before, 'one', wanted, true);
      const own = entries.find(
        ({ manager, operation }) => manager === 'one' && operation === 'Apply',
      );
      const named = configuredFields(schema, wanted, untrackedBelow);
      const owned = own === undefined ? [] : pathsOf(own.fieldsV1);
      assert.deepEqual(owned, pathsOf(named));
      // Merging it once more finds nothing to do.
      const again = apply({ object, entries }, 'four', wanted, false);
      assert.ok(equalJson(again.object, object));
    }),
  );
});

test('two managers that name different things never meet, and each takes away only its own', () => {
  fc.assert(
    fc.property(fc.dictionary(word, word, some), fc.dictionary(word, word, some), (left, right) => {
      const of = (labels: object): unknown => ({
        apiVersion: 'example.com/v1',
        kind: 'Thing',
        spec: { labels },
      });
      const ours = Object.fromEntries(Object.entries(left).map(([key, text]) => [`l${key}`, text]));
      const theirs = Object.fromEntries(
        Object.entries(right).map(([key, text]) => [`r${key}`, text]),
      );
      const both = apply(apply(START, 'one', of(ours), false), 'two', of(theirs), false);
      const rest = apply(both, 'one', { apiVersion: 'example.com/v1', kind: 'Thing' }, false);
      const labels = (rest.object as { spec?: { labels?: object } }).spec?.labels ?? {};
      assert.deepEqual(labels, theirs);
      assert.equal(
        rest.entries.some(({ manager }) => manager === 'one'),
        false,
      );
    }),
  );
});

test('without force an apply that would change what others own is refused, and names each of these fields', () => {
  fc.assert(
    fc.property(history, config, (before, wanted) => {
      const forced = apply(before, 'four', wanted, true);
      let refused: unknown;
      try {
        const free = apply(before, 'four', wanted, false);
        assert.deepEqual(free, forced);
      } catch (error) {
        refused = error;
      }
      if (refused === undefined) return;
      assert.ok(refused instanceof ApiError && refused.code === 409);
      assert.equal(refused.reason, 'Conflict');
      const causes = refused.details?.causes ?? [];
      assert.ok(causes.length > 0);
      for (const { reason, field = '' } of causes) {
        assert.equal(reason, 'FieldManagerConflict');
        assert.match(field, /^\.spec/);
      }
    }),
  );
});

test('no entry is empty, and no two are of the same manager', () => {
  fc.assert(
    fc.property(history, ({ entries }) => {
      for (const { fieldsV1 } of entries) assert.equal(isEmpty(fieldsV1), false);
      const names = entries.map(({ manager, operation }) => `${manager}/${operation}`);
      assert.equal(new Set(names).size, names.length);
    }),
  );
});

test('lists keep the order of the configuration', () => {
  fc.assert(
    fc.property(history, fc.uniqueArray(word), (before, tags) => {
      const wanted = { apiVersion: 'example.com/v1', kind: 'Thing', spec: { tags } };
      const { object } = apply(before, 'one', wanted, true);
      const now =
        (object as { spec?: { tags?: readonly (typeof tags)[number][] } }).spec?.tags ?? [];
      assert.deepEqual(
        now.filter((tag) => tags.includes(tag)),
        tags,
      );
    }),
  );
});
