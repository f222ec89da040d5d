import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  checkFieldSelector,
  escapeFieldValue,
  matchesFields,
  parseFieldSelector,
  requiredValue,
} from './field-selectors.ts';

const pod = { namespace: 'ns', name: 'p', fields: { 'spec.nodeName': 'n1', 'status.phase': '' } };

for (const [text, expected] of [
  ['', true],
  ['metadata.name=p', true],
  ['metadata.name==p,metadata.namespace=ns', true],
  ['spec.nodeName!=n1', false],
  ['spec.nodeName=', false],
  ['status.phase=', true],
  ['status.phase!=Running,spec.nodeName=n1', true],
] as const) {
  test(`a field selector ${JSON.stringify(text)} gives ${expected}`, () => {
    assert.equal(matchesFields(parseFieldSelector(text), pod), expected);
  });
}

test('parseFieldSelector() reads any value that escapeFieldValue() wrote', () => {
  fc.assert(
    fc.property(fc.string(), (value) => {
      const selector = parseFieldSelector(`reason=${escapeFieldValue(value)},type!=Normal`);
      assert.equal(selector.length, 2);
      assert.equal(requiredValue(selector, 'reason'), value);
    }),
  );
});

for (const text of ['a', 'a=b\\c', 'a=b=c']) {
  test(`parseFieldSelector() refuses ${text}`, () => {
    assert.throws(() => parseFieldSelector(text), { code: 400, reason: 'BadRequest' });
  });
}

test('checkFieldSelector() refuses labels that the kind does not have', () => {
  const definition = { selectableFields: { type: () => '' }, custom: false, namespaced: true };
  checkFieldSelector(parseFieldSelector('type=a,metadata.name=b'), definition);
  assert.throws(() => checkFieldSelector(parseFieldSelector('spec.x=a'), definition), {
    code: 400,
    message: 'field label not supported: spec.x',
  });
});
