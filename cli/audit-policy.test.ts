import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '#test/support/temp-dir.ts';
import { auditOf } from './audit-options.ts';
import { readAuditPolicy } from './audit-policy.ts';
import { UsageError } from './usage-error.ts';

const folder = tempDir();
const HEAD = 'apiVersion: audit.k8s.io/v1\nkind: Policy\n';
let count = 0;

function policyFile(text: string): string {
  const file = join(folder, `${(count += 1)}.yaml`);
  writeFileSync(file, text);
  return file;
}

test("readAuditPolicy() reads upstream's form; what is common goes into each rule", () => {
  const file = policyFile(`${HEAD}metadata: {name: p}
omitStages: [RequestReceived, Panic]
omitManagedFields: true
rules:
  - level: None
    users: [system:kube-proxy]
    verbs: [watch]
    resources: [{group: '', resources: [endpoints, services]}]
  - level: Request
    resources: [{group: apps}]
    namespaces: [kube-system]
    omitStages: [ResponseStarted]
    omitManagedFields: false
  - {level: Metadata, nonResourceURLs: [/api*]}
`);
  const { rules } = readAuditPolicy(file);
  assert.deepEqual(
    rules.map(({ level, omitStages, omitManagedFields }) => [level, omitStages, omitManagedFields]),
    [
      ['None', ['RequestReceived'], true],
      ['Request', ['RequestReceived', 'ResponseStarted'], false],
      ['Metadata', ['RequestReceived'], true],
    ],
  );
  assert.deepEqual(rules[1]?.resources, [{ group: 'apps', resources: [], resourceNames: [] }]);
});

const WRONG: readonly (readonly [string, RegExp])[] = [
  ['a: [', /cannot be read: /],
  ['kind: Policy\nrules: []', /must be a Policy of audit\.k8s\.io\/v1/],
  [`${HEAD}rules: []`, /: rules must have at least one/],
  [`${HEAD}rules: [{level: All}]`, /rules\[0\]\.level must be one of None, .*, found "All"/],
  [`${HEAD}rules: [{verbs: [get]}]`, /rules\[0\]\.level must be one of .*found undefined/],
  [`${HEAD}rules: [{level: None, user: [a]}]`, /rules\[0\]\.user is not served/],
  [`${HEAD}rules: [{level: None, users: a}]`, /rules\[0\]\.users must be a list/],
  [`${HEAD}rules: [{level: None, verbs: [1]}]`, /rules\[0\]\.verbs\[0\] must be a text/],
  [`${HEAD}omitStages: [Done]\nrules: [{level: None}]`, /omitStages\[0\] must be one of/],
  [
    `${HEAD}rules: [{level: None, nonResourceURLs: [/a], namespaces: [b]}]`,
    /nonResourceURLs cannot go with resources and namespaces/,
  ],
  [`${HEAD}rules: [{level: None, nonResourceURLs: ['/a*b']}]`, /nonResourceURLs\[0\] must be \*/],
  [
    `${HEAD}rules: [{level: None, resources: [{group: apps/v1}]}]`,
    /resources\[0\]\.group must be the name of a group, without a version/,
  ],
  [
    `${HEAD}rules: [{level: None, resources: [{group: '', resourceNames: [a]}]}]`,
    /resources\[0\]\.resourceNames needs resources/,
  ],
];
for (const [text, message] of WRONG) {
  test(`readAuditPolicy() refuses ${JSON.stringify(text.replace(HEAD, ''))}`, () => {
    assert.throws(
      () => readAuditPolicy(policyFile(text)),
      (error: unknown) =>
        error instanceof UsageError &&
        error.message.startsWith('--audit-policy-file ') &&
        message.test(error.message),
    );
  });
}

test('auditOf() wants the policy and the path, and a path that can be a file', () => {
  const policy = policyFile(`${HEAD}rules: [{level: Metadata}]`);
  const sizes = { 'audit-log-maxsize': 2, 'audit-log-maxbackup': 3 };
  const flags = (path?: string, file?: string): Parameters<typeof auditOf>[0] => ({
    ...sizes,
    'audit-log-path': path,
    'audit-policy-file': file,
  });
  assert.equal(auditOf(flags()), undefined);
  assert.throws(() => auditOf(flags('a')), /--audit-log-path needs --audit-policy-file/);
  assert.throws(() => auditOf(flags(undefined, 'a')), /--audit-policy-file needs --audit-log-path/);
  mkdirSync(join(folder, 'sub'));
  for (const path of [join(folder, 'sub'), join(folder, 'absent', 'audit.log')])
    assert.throws(
      () => auditOf(flags(path, policy)),
      /--audit-log-path must be a file in a folder/,
    );
  const audit = auditOf(flags(join(folder, 'audit.log'), policy));
  assert.equal(audit?.maxBytes, 2 * 1024 * 1024);
  assert.equal(audit.maxBackups, 3);
});
