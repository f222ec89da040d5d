import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { parseAllDocuments } from 'yaml';

import { CONTROLLER_RULES } from './own-roles.ts';
import { rulesOf } from './policy-rule.ts';
import type { PolicyRule } from './policy-rule.ts';

/** `get core/pods`, each once. */
function rightsOf(rules: readonly PolicyRule[]): readonly string[] {
  const rights = rules.flatMap(({ verbs, apiGroups = [], resources = [] }) =>
    verbs.flatMap((verb) =>
      apiGroups.flatMap((group) => resources.map((resource) => `${verb} ${group}/${resource}`)),
    ),
  );
  return [...new Set(rights)].toSorted();
}

test('the controllers may do on our own server what deploy/kubernetes/rbac.yaml gives them on any', () => {
  const file = new URL('../../deploy/kubernetes/rbac.yaml', import.meta.url);
  const objects = parseAllDocuments(readFileSync(file, 'utf8')).map(
    (document) => document.toJS() as { readonly kind: string },
  );
  const roles = objects.filter(({ kind }) => kind === 'ClusterRole');
  assert.deepEqual(rightsOf(CONTROLLER_RULES), rightsOf(roles.flatMap(rulesOf)));
});
