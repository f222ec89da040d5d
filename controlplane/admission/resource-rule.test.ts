// Which writes a rule is about.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { builtinDefinitions } from '../api/builtin/definitions.ts';
import { builtinSchema } from '../api/schema/corpus.ts';
import { Scheme } from '../api/scheme.ts';
import { versionShown } from './equivalent-version.ts';
import { matchesWrite, readRule } from './resource-rule.ts';

const scheme = new Scheme();
scheme.add(builtinDefinitions(builtinSchema));

function kind(group: string, version: string, resource: string) {
  const found = scheme.byResource(group, version, resource);
  assert.ok(found, resource);
  return found;
}

const pods = kind('', 'v1', 'pods');
const rule = (changes: object): ReturnType<typeof readRule> =>
  readRule({
    operations: ['CREATE'],
    apiGroups: [''],
    apiVersions: ['v1'],
    resources: ['pods'],
    ...changes,
  });

suite('rules', () => {
  const cases: readonly (readonly [changes: object, subresource: string, holds: boolean])[] = [
    [{}, '', true],
    [{}, 'exec', false],
    [{ resources: ['pods/*'] }, 'exec', true],
    // As upstream: no subresource is one of all.
    [{ resources: ['pods/*'] }, '', true],
    [{ resources: ['pods/exec'] }, '', false],
    [{ resources: ['*'] }, '', true],
    [{ resources: ['*'] }, 'exec', false],
    [{ resources: ['*/*'] }, 'exec', true],
    [{ resources: ['*/exec'] }, 'exec', true],
    [{ operations: ['UPDATE', 'DELETE'] }, '', false],
    [{ operations: ['*'] }, '', true],
    [{ apiGroups: ['apps'] }, '', false],
    [{ apiGroups: ['*'] }, '', true],
    [{ apiVersions: ['v2'] }, '', false],
    [{ scope: 'Namespaced' }, '', true],
    [{ scope: 'Cluster' }, '', false],
    [{ scope: '*' }, '', true],
  ];
  for (const [changes, subresource, holds] of cases) {
    test(`${JSON.stringify(changes)} pods/${subresource}: ${holds}`, () => {
      assert.equal(matchesWrite(rule(changes), pods, subresource, 'CREATE'), holds);
    });
  }

  test('a Namespace is of the cluster', () => {
    const namespaces = kind('', 'v1', 'namespaces');
    const about = (scope: string): boolean =>
      matchesWrite(rule({ resources: ['*'], scope }), namespaces, '', 'CREATE');
    assert.deepEqual([about('Cluster'), about('Namespaced')], [true, false]);
  });
});

test('another version of the kind counts where it is to', () => {
  const v2 = kind('autoscaling', 'v2', 'horizontalpodautoscalers');
  const v1 = kind('autoscaling', 'v1', 'horizontalpodautoscalers');
  const rules = [
    rule({
      apiGroups: ['autoscaling'],
      apiVersions: ['v1'],
      resources: ['horizontalpodautoscalers'],
    }),
  ];
  assert.equal(versionShown(rules, true, scheme, v2, '', 'CREATE'), v1);
  assert.equal(versionShown(rules, false, scheme, v2, '', 'CREATE'), undefined);
  assert.equal(versionShown(rules, true, scheme, v1, '', 'CREATE'), v1);
  assert.equal(versionShown(rules, true, scheme, v2, '', 'UPDATE'), undefined);
});
