import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseRequestInfo } from '../request-info.ts';

import { ruleFor } from './policy.ts';
import type { AuditPolicy, AuditRule } from './policy.ts';

const ANY: AuditRule = {
  level: 'Metadata',
  users: [],
  userGroups: [],
  verbs: [],
  resources: [],
  namespaces: [],
  nonResourceURLs: [],
  omitStages: [],
  omitManagedFields: false,
};

function resource(
  group: string,
  resources: readonly string[],
  resourceNames: string[] = [],
): Partial<AuditRule> {
  return { resources: [{ group, resources, resourceNames }] };
}

/** What the rule says of `METHOD /path`. */
function wants(rule: Partial<AuditRule>, request: string, name = 'ann'): boolean {
  const [method = '', url = ''] = request.split(' ');
  const policy: AuditPolicy = { rules: [{ ...ANY, ...rule }] };
  const user = { name, groups: ['devs', 'system:authenticated'] };
  return ruleFor(policy, { ...parseRequestInfo(method, url), user }) !== undefined;
}

const POD = '/api/v1/namespaces/team/pods/web';
const rows: readonly (readonly [Partial<AuditRule>, string, boolean])[] = [
  [{}, `GET ${POD}`, true],
  [{}, 'GET /version', true],
  [{ users: ['ann'] }, `GET ${POD}`, true],
  [{ users: ['ben'] }, `GET ${POD}`, false],
  [{ userGroups: ['ops', 'devs'] }, `GET ${POD}`, true],
  [{ userGroups: ['ops'] }, `GET ${POD}`, false],
  [{ verbs: ['list', 'get'] }, `GET ${POD}`, true],
  [{ verbs: ['delete'] }, `GET ${POD}`, false],
  [{ namespaces: ['team'] }, `GET ${POD}`, true],
  [{ namespaces: ['other'] }, `GET ${POD}`, false],
  [{ namespaces: [''] }, 'GET /api/v1/nodes', true],
  [{ namespaces: [''] }, `GET ${POD}`, false],
  [{ namespaces: [''] }, 'GET /version', false],
  [resource('', ['pods']), `GET ${POD}`, true],
  [resource('', ['pods']), `GET ${POD}/log`, false],
  [resource('', ['pods/log']), `GET ${POD}/log`, true],
  [resource('', ['pods/*']), `GET ${POD}/log`, true],
  [resource('', ['pods/*']), `GET ${POD}`, true],
  [resource('', ['*/log']), `GET ${POD}/log`, true],
  [resource('', ['*/log']), `GET ${POD}`, false],
  [resource('', ['*']), `GET ${POD}/log`, true],
  [resource('', []), `GET ${POD}`, true],
  [resource('apps', []), `GET ${POD}`, false],
  [resource('', ['pods'], ['web']), `GET ${POD}`, true],
  [resource('', ['pods'], ['db']), `GET ${POD}`, false],
  [resource('', ['pods'], ['db']), 'GET /api/v1/namespaces/team/pods', false],
  [resource('', ['pods']), 'GET /version', false],
  [{ nonResourceURLs: ['/version'] }, 'GET /version', true],
  [{ nonResourceURLs: ['/healthz*'] }, 'GET /healthz/ping', true],
  [{ nonResourceURLs: ['*'] }, 'GET /metrics', true],
  [{ nonResourceURLs: ['*'] }, `GET ${POD}`, false],
  [{ nonResourceURLs: ['/version'] }, 'GET /versions', false],
];
for (const [rule, request, expected] of rows) {
  test(`a rule with ${JSON.stringify(rule)} ${expected ? 'matches' : 'does not match'} ${request}`, () => {
    assert.equal(wants(rule, request), expected);
  });
}

test('ruleFor() takes the first rule that matches; without one, or at None, nothing is written', () => {
  const rules: AuditRule[] = [
    { ...ANY, level: 'None', users: ['system:node:n1'] },
    { ...ANY, level: 'Request', verbs: ['create'] },
    { ...ANY, level: 'RequestResponse', verbs: ['create', 'delete'] },
  ];
  const levelOf = (method: string, name: string): string | undefined =>
    ruleFor({ rules }, { ...parseRequestInfo(method, '/api/v1/nodes'), user: { name, groups: [] } })
      ?.level;
  assert.equal(levelOf('POST', 'ann'), 'Request');
  assert.equal(levelOf('POST', 'system:node:n1'), undefined);
  assert.equal(levelOf('GET', 'ann'), undefined);
});
