// Rules in their schemas: which apply to what, how they speak, what a definition may not say, and what bounds them.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Schema } from '../schema/schema.ts';
import { compileStructural } from '../schema/structural.ts';
import { evaluateRules } from './engine.ts';
import { wrongWith } from './rules-fixture.ts';

function compiled(spec: object, root: object = {}): Schema {
  const result = compileStructural({ type: 'object', properties: { spec }, ...root }, 'S');
  if (!('schema' in result)) throw new Error(JSON.stringify(result));
  return result.schema;
}

function ruled(type: object, ...rules: readonly object[]): object {
  return { ...type, 'x-kubernetes-validations': rules };
}

/** `field: message` of everything that is broken. */
function broken(spec: object, value: unknown, old?: unknown): string[] {
  const schema = compiled(spec);
  assert.deepEqual(wrongWith(schema), []);
  const before = old === undefined ? undefined : { spec: old };
  return evaluateRules(schema, { spec: value }, before).map(
    ({ field, message }) => `${field}: ${message}`,
  );
}

function refused(spec: object): string[] {
  return wrongWith(compiled(spec)).map(({ field, message }) => `${field}: ${message}`);
}

const number = { type: 'integer' };
const text = { type: 'string' };
const pair = { type: 'object', properties: { min: number, max: number, name: text } };

suite('messages', () => {
  const cases: readonly (readonly [rule: object, expected: string])[] = [
    [{}, 'spec: Invalid value: "object": failed rule: self.min <= self.max'],
    [{ message: ' min above max ' }, 'spec: Invalid value: "object": min above max'],
    [
      { message: 'm', messageExpression: "'min is %d'.format([self.min])" },
      'spec: Invalid value: "object": min is 5',
    ],
    [
      { message: 'm', messageExpression: "'min is ' + string(self.min / 0)" },
      'spec: Invalid value: "object": m',
    ],
    [{ message: 'm', messageExpression: "''" }, 'spec: Invalid value: "object": m'],
    [{ message: 'm', messageExpression: String.raw`'a\nb'` }, 'spec: Invalid value: "object": m'],
    [{ message: 'm', reason: 'FieldValueForbidden' }, 'spec: Forbidden: m'],
    [{ message: 'm', reason: 'FieldValueRequired' }, 'spec: Required value: m'],
    [{ message: 'm', reason: 'FieldValueDuplicate' }, 'spec: Duplicate value: "object"'],
    [{ message: 'm', fieldPath: '.min' }, 'spec.min: Invalid value: "object": m'],
    [{ message: 'm', fieldPath: "['min']" }, 'spec.min: Invalid value: "object": m'],
  ];
  for (const [more, expected] of cases) {
    test(expected, () => {
      const spec = ruled(pair, { rule: 'self.min <= self.max', ...more });
      assert.deepEqual(broken(spec, { min: 5, max: 1 }), [expected]);
      assert.deepEqual(broken(spec, { min: 1, max: 5 }), []);
    });
  }

  test('a rule of the root says so, and sees names only', () => {
    const rule = "self.metadata.name.startsWith('a') && self.kind == 'K' && self.spec.min > 0";
    const schema = compiled(pair, { 'x-kubernetes-validations': [{ rule }] });
    assert.deepEqual(wrongWith(schema), []);
    const object = { kind: 'K', metadata: { name: 'b' }, spec: { min: 1 } };
    const [error] = evaluateRules(schema, object, undefined);
    assert.equal(error?.field, '<nil>');
    const wrong = compiled(pair, {
      'x-kubernetes-validations': [{ rule: 'has(self.metadata.uid)' }],
    });
    assert.match(wrongWith(wrong)[0]?.message ?? '', /undefined field 'uid'/);
  });
});

test('a rule that was never checked and cannot be compiled is not passed for true', () => {
  const schema = compiled(ruled(pair, { rule: 'self.' }));
  const [error] = evaluateRules(schema, { spec: {} }, undefined);
  assert.match(error?.message ?? '', /rule compile error: .*compilation failed/);
});

suite('rules about changes', () => {
  const kept = { rule: 'self == oldSelf', message: 'is immutable' };

  test('run on update only', () => {
    const spec = { type: 'object', properties: { name: ruled(text, kept) } };
    assert.deepEqual(broken(spec, { name: 'a' }), []);
    assert.deepEqual(broken(spec, { name: 'a' }, {}), []);
    assert.deepEqual(broken(spec, { name: 'a' }, { name: 'a' }), []);
    assert.deepEqual(broken(spec, { name: 'b' }, { name: 'a' }), [
      'spec.name: Invalid value: "string": is immutable',
    ]);
  });

  test('run on create as well with optionalOldSelf', () => {
    const rule = 'oldSelf.hasValue() ? self >= oldSelf.value() : self == 1';
    const spec = {
      type: 'object',
      properties: { n: ruled(number, { rule, optionalOldSelf: true }) },
    };
    assert.deepEqual(broken(spec, { n: 1 }), []);
    assert.equal(broken(spec, { n: 2 }).length, 1);
    assert.deepEqual(broken(spec, { n: 3 }, { n: 2 }), []);
    assert.equal(broken(spec, { n: 1 }, { n: 2 }).length, 1);
  });

  test('follow the items of a map list by their keys, and the values of a map', () => {
    const item = {
      type: 'object',
      required: ['name'],
      properties: { name: text, v: ruled(number, kept) },
    };
    const list = {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: item,
    };
    const map = { type: 'object', additionalProperties: ruled(text, kept) };
    const spec = { type: 'object', properties: { list, map } };
    const old = {
      list: [
        { name: 'a', v: 1 },
        { name: 'b', v: 2 },
      ],
      map: { k: 'x' },
    };
    const moved = {
      list: [
        { name: 'b', v: 2 },
        { name: 'c', v: 9 },
        { name: 'a', v: 1 },
      ],
      map: old.map,
    };
    assert.deepEqual(broken(spec, moved, old), []);
    const changed = { list: [{ name: 'b', v: 1 }], map: { k: 'y', l: 'x' } };
    assert.deepEqual(broken(spec, changed, old), [
      'spec.list[0].v: Invalid value: "integer": is immutable',
      'spec.map[k]: Invalid value: "string": is immutable',
    ]);
  });

  test('are refused where items have no identity', () => {
    for (const listType of ['atomic', 'set']) {
      const list = { type: 'array', 'x-kubernetes-list-type': listType, items: ruled(text, kept) };
      const [error] = refused({ type: 'object', properties: { list } });
      assert.match(
        error ?? '',
        /^S\.properties\[spec\]\.properties\[list\]\.items\.x-kubernetes-validations\[0\]\.rule: .*uncorrelatable portion of the schema within S\.properties\[spec\]\.properties\[list\]$/,
      );
    }
  });

  test('a value that was wrong before and stays as it was is let through', () => {
    const spec = {
      type: 'object',
      properties: { pair: ruled(pair, { rule: 'self.min <= self.max' }), other: number },
    };
    const old = { pair: { min: 2, max: 1 }, other: 1 };
    assert.deepEqual(broken(spec, { ...old, other: 2 }, old), []);
    assert.equal(broken(spec, { pair: { min: 3, max: 1 } }, old).length, 1);
  });
});

suite('a definition is refused', () => {
  const at = 'S.properties[spec].x-kubernetes-validations[0]';
  const cases: readonly (readonly [rule: object, expected: string])[] = [
    [{}, `${at}.rule: Required value: rule is not specified`],
    [{ rule: 5 }, `${at}.rule: Invalid value: 5: must be a string`],
    [
      { rule: 'true', message: 'a\nb' },
      `${at}.message: Invalid value: "a\\nb": message must not contain line breaks`,
    ],
    [
      { rule: 'true &&\ntrue' },
      `${at}.message: Required value: message must be specified if rule contains line breaks`,
    ],
    [
      { rule: 'true', reason: 'Odd' },
      `${at}.reason: Unsupported value: "Odd": supported values: "FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired", "FieldValueDuplicate"`,
    ],
    [
      { rule: 'true', fieldPath: '.nope' },
      `${at}.fieldPath: Invalid value: ".nope": must be a path to a field of the schema, such as .spec.name`,
    ],
    [
      { rule: 'true', optionalOldSelf: true },
      `${at}.optionalOldSelf: Invalid value: true: may not be set when the rule does not use oldSelf`,
    ],
    [
      { rule: 'true', messageExpression: 'self.min' },
      `${at}.messageExpression: Invalid value: "self.min": messageExpression must evaluate to a string`,
    ],
  ];
  for (const [rule, expected] of cases) {
    test(expected, () => assert.deepEqual(refused(ruled(pair, rule)), [expected]));
  }

  test('that has rules inside a junctor', () => {
    const nested = { properties: { min: ruled({}, { rule: 'true' }) } };
    const result = compileStructural(
      { type: 'object', properties: { spec: { ...pair, anyOf: [nested] } } },
      'S',
    );
    assert.ok(!('schema' in result));
  });
});

suite('hostile rules end in bounded time', () => {
  const spec = {
    type: 'object',
    properties: { list: { type: 'array', items: number }, text, pattern: text },
  };
  const list = Array.from({ length: 1000 }, (_, at) => at);
  const long = 'a'.repeat(1_000_000);
  const doublings = Array.from({ length: 40 }, (_, at) => `.map(v${at}, v${at} + v${at})`);
  const doubling = `[self.text]${doublings.join('')}.all(v, v.size() > 0)`;
  const costly: Readonly<Record<string, readonly [rule: string, value: object]>> = {
    'nested loops': [
      'self.list.all(a, self.list.all(b, self.list.all(c, a + b + c >= 0)))',
      { list },
    ],
    'nested loops of errors': [
      'self.list.exists(a, self.list.exists(b, self.list.exists(c, a / 0 == 1)))',
      { list },
    ],
    'lists of lists of lists': [
      'self.list.map(a, self.list.map(b, self.list.map(c, [a, b, c]))).size() > 0',
      { list },
    ],
    'a text that doubles': [doubling, { text: 'a'.repeat(1000) }],
    'replacing nothing': [
      `self.text.replace('', '${'x'.repeat(1000)}').size() > 0`,
      { text: long },
    ],
    'searching what is nearly there': [
      'self.list.all(a, self.text.contains(self.pattern))',
      { list, text: long, pattern: `${'a'.repeat(500_000)}b` },
    ],
    'an expression that backtracks': ["self.text.matches('^(a+)+b$')", { text: long }],
    'a huge expression from the object': [
      'self.text.matches(self.pattern)',
      { text: long, pattern: '(a{1000}){1}'.repeat(80) },
    ],
    'comparing all with all': [
      'sets.equivalent(self.list.map(x, self.list), self.list.map(x, self.list))',
      { list },
    ],
  };
  for (const [name, [rule, value]] of Object.entries(costly)) {
    test(name, () => {
      const started = process.hrtime.bigint();
      const [first, ...more] = broken(ruled(spec, { rule }, { rule: 'false' }), value);
      const ms = Number(process.hrtime.bigint() - started) / 1e6;
      assert.match(first ?? '', /actual cost limit exceeded': call cost exceeds limit for rule: /);
      assert.deepEqual(more, [], 'nothing is evaluated after it');
      assert.ok(ms < 5000, `took ${ms} ms`);
    });
  }

  test('many rules share one budget', () => {
    const dear = { rule: 'self.list.all(a, self.list.all(b, a + b >= 0))' };
    const rules = Array.from({ length: 200 }, () => dear);
    const errors = broken(ruled(spec, ...rules), { list: list.slice(0, 300) });
    assert.match(errors.at(-1) ?? '', /running out of cost budget/);
  });

  const deep: Readonly<Record<string, string>> = {
    brackets: '('.repeat(10_000),
    negations: `${'!'.repeat(30_000)}true`,
    selections: `self${'.text'.repeat(5000)}`,
    alternatives: `true${'||true'.repeat(5000)}`,
    sums: `1${'+1'.repeat(15_000)} > 0`,
    questions: `${'true?'.repeat(6000)}true`,
    loops: `${'self.list.all(x, '.repeat(200)}true${')'.repeat(200)}`,
    lists: '['.repeat(20_000),
    length: `'${'a'.repeat(40_000)}' == ''`,
  };
  for (const [name, rule] of Object.entries(deep)) {
    test(`too many ${name} are refused`, () => {
      const [error] = refused(ruled(spec, { rule }));
      assert.match(error ?? '', /compilation failed: /);
    });
  }
});
