// Rules that are covered allow nothing that those covering them do not: checked against the authorizer's own reading of rules.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { attributes, user } from './access-fixture.ts';
import { combinedResource, CompiledRule } from './policy-rule.ts';
import type { PolicyRule } from './policy-rule.ts';
import { describeRules, missingRules } from './rule-cover.ts';

const VERBS = ['get', 'list', '*'];
const GROUPS = ['', 'apps', '*'];
const RESOURCES = ['pods', 'pods/log', '*/log', '*'];
const NAMES = ['a', 'b'];

const some = (words: readonly string[]): fc.Arbitrary<string[]> =>
  fc.uniqueArray(fc.constantFrom(...words), { minLength: 1, maxLength: 2 });

const rule: fc.Arbitrary<PolicyRule> = fc.record(
  {
    verbs: some(VERBS),
    apiGroups: some(GROUPS),
    resources: some(RESOURCES),
    resourceNames: some(NAMES),
  },
  { requiredKeys: ['verbs', 'apiGroups', 'resources'] },
);

const requests = ['get', 'list', 'watch'].flatMap((verb) =>
  ['core', 'apps', 'batch'].flatMap((group) =>
    ['pods', 'pods/log', 'jobs', 'jobs/log'].flatMap((resource) =>
      ['-', 'a', 'b', 'c'].map((name) =>
        attributes(user('u'), `${verb} ${group}/${resource} ns ${name}`),
      ),
    ),
  ),
);

const allowedBy = (rules: readonly PolicyRule[]): readonly boolean[] => {
  const compiled = rules.map((one) => new CompiledRule(one));
  return requests.map((request) =>
    compiled.some((one) => one.allowsResource(request, combinedResource(request))),
  );
};

test('covered rules allow nothing more, and what is missing is enough to make up for it', () => {
  const lists = fc.array(rule, { maxLength: 3 });
  fc.assert(
    fc.property(lists, lists, (held, wanted) => {
      const missing = missingRules(held, wanted);
      const have = allowedBy([...held, ...missing]);
      allowedBy(wanted).forEach((isWanted, index) => {
        if (isWanted) assert.ok(have[index], JSON.stringify(requests[index]));
      });
      assert.deepEqual(missingRules([...held, ...missing], wanted), []);
    }),
  );
});

test('paths', () => {
  const paths = (...nonResourceURLs: string[]): PolicyRule => ({ verbs: ['get'], nonResourceURLs });
  assert.deepEqual(missingRules([paths('/healthz*')], [paths('/healthz/x', '/healthz')]), []);
  assert.deepEqual(missingRules([paths('/healthz')], [paths('/healthz*')]), [paths('/healthz*')]);
});

test('one line for each resource, in order', () => {
  const right = (verb: string, resource: string): PolicyRule => ({
    verbs: [verb],
    apiGroups: ['apps'],
    resources: [resource],
  });
  assert.equal(
    describeRules([right('list', 'b'), right('get', 'b'), right('get', 'a')]),
    '{APIGroups:["apps"], Resources:["a"], Verbs:["get"]}\n{APIGroups:["apps"], Resources:["b"], Verbs:["list" "get"]}',
  );
});
