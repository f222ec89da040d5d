// Who may do what, as kubectl sees it: roles and bindings made and asked about, tokens, and acting as somebody else.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { runCommand } from '../support/command.ts';
import type { CommandResult } from '../support/command.ts';
import { TestControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { missingKubectl } from '../support/kubectl.ts';
import { oldestAndNewest } from '../support/kubectls.ts';
import { tempDir } from '../support/temp-dir.ts';

/** One kubectl with its own cache. */
class Person {
  readonly #binary: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor(binary: string, kubeconfig: string) {
    this.#binary = binary;
    this.#env = { ...process.env, KUBECONFIG: kubeconfig, HOME: tempDir() };
  }

  run(line: string, input?: string): Promise<CommandResult> {
    const options = input === undefined ? {} : { input };
    return runCommand(this.#binary, line.split(' '), { ...options, env: this.#env });
  }

  async ok(line: string, input?: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(line, input);
    assert.equal(code, 0, `${line}: ${stderr}`);
    return stdout;
  }

  async fails(line: string, message: RegExp): Promise<void> {
    const { code, stdout, stderr } = await this.run(line);
    assert.notEqual(code, 0, line);
    assert.match(`${stderr}${stdout}`, message);
  }
}

async function start(t: TestContext): Promise<{ plane: TestControlPlane; url: string }> {
  const plane = await TestControlPlane.start(t);
  return { plane, url: `https://127.0.0.1:${plane.port}` };
}

const MORE_RIGHTS = `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: team}
rules:
- {verbs: [get, list], apiGroups: [''], resources: [pods]}
- {verbs: [get], apiGroups: [''], resources: [configmaps]}
`;

/** Of `CN=ann, O=dev`; its key is nowhere. */
const REQUEST =
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIVk1INENBUUF3SERFTU1Bb0dBMVVFQ2d3RFpH' +
  'VjJNUXd3Q2dZRFZRUUREQU5oYm00d1dUQVRCZ2NxaGtqTwpQUUlCQmdncWhrak9QUU1CQndOQ0FBVDFtTUgzeDV6' +
  'MmRlcFd0RytyV25DQWhEdjUzN1JsK1k5U3RnaXUvb2xNCmF3SUtGbkcxRnRaVVZ1d0ZwR2s0RUpFdkNzdlpJdG9v' +
  'cm1GUS9BcFptRngxb0FBd0NnWUlLb1pJemowRUF3SUQKUndBd1JBSWdkYVRnUlN2YUZRWU9FWlRYb2J1WVRDMEY5' +
  'YTZkS1RzVFJTN1ErODd6VkdjQ0lIbFJLcnFsRVdETQpodTZlY2RGTWdGdUVVQlBlK0M3ckFXK2RRQmNMZ0Zlbgot' +
  'LS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K';

const SIGNING_REQUEST = `apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: ann}
spec:
  request: ${REQUEST}
  signerName: kubernetes.io/kube-apiserver-client
  usages: [client auth]
`;

/** The first version that asks by review; older ones have no \`whoami\` without \`alpha\`. */
const FIRST_WHOAMI = 28;

const skip = missingKubectl() ?? false;

test(
  'kubectl, old and new: roles, questions, tokens, acting as others',
  { skip, timeout: 300_000 },
  async (t) => {
    const { plane, url } = await start(t);
    for (const binary of oldestAndNewest()) {
      await t.test(basename(binary), () => scenario(binary, plane, url));
    }
  },
);

async function scenario(binary: string, plane: TestControlPlane, url: string): Promise<void> {
  const admin = new Person(binary, plane.kubeconfig);
  await admin.ok('create namespace team');
  await admin.ok('create serviceaccount ci -n team');
  await admin.ok('create role reader -n team --verb=get,list --resource=pods');
  await admin.ok(
    'create rolebinding reader -n team --role=reader --user=ann --serviceaccount=team:ci',
  );
  await admin.ok('create clusterrole metrics --verb=get --non-resource-url=/metrics');
  await admin.ok('create clusterrolebinding metrics --clusterrole=metrics --group=watchers');
  assert.match(
    await admin.ok('get rolebinding reader -n team -o wide'),
    /Role\/reader .* ann .* team\/ci/,
  );
  assert.match(await admin.ok('describe clusterrole metrics'), /\[\/metrics\]/);

  const ann = '--as=ann';
  assert.equal(await admin.ok(`auth can-i list pods -n team ${ann}`), 'yes\n');
  await admin.fails(`auth can-i delete pods -n team ${ann}`, /^no/m);
  await admin.fails(`auth can-i list pods -n default ${ann}`, /^no/m);
  assert.equal(await admin.ok(`auth can-i get /metrics ${ann} --as-group=watchers`), 'yes\n');
  assert.match(
    await admin.ok(`auth can-i --list -n team ${ann}`),
    /pods +\[\] +\[\] +\[get list\]/,
  );
  assert.match(await admin.ok('auth can-i --list -n team'), /\*\.\* +\[\] +\[\] +\[\*\]/);
  await admin.ok(`get pods -n team ${ann}`);
  await admin.fails(
    `get secrets -n team ${ann}`,
    /secrets is forbidden: User "ann" cannot list resource "secrets" in API group "" in the namespace "team"/,
  );
  await admin.fails(
    `get pods -n team --as=ann --as-group=system:masters --kubeconfig=${tokenConfig(url, 'nonsense')}`,
    /Unauthorized|must be logged in/,
  );

  const token = (await admin.ok('create token ci -n team --duration=10m')).trim();
  const ci = new Person(binary, tokenConfig(url, token));
  await ci.ok('get pods -n team');
  await ci.fails('get pods', /User "system:serviceaccount:team:ci" cannot list resource "pods"/);
  await ci.fails(
    'get pods -n team --as=ann',
    /cannot impersonate resource "users" in API group ""/,
  );
  await ci.fails('create token ci -n team', /cannot create resource "serviceaccounts\/token"/);
  const minor = Number(/\.(\d+)$/.exec(binary)?.[1] ?? FIRST_WHOAMI);
  if (minor >= FIRST_WHOAMI) {
    const who = await ci.ok('auth whoami');
    assert.match(who, /Username +system:serviceaccount:team:ci/);
    assert.match(who, /system:serviceaccounts:team/);
    assert.match(await admin.ok('auth whoami --as=ann --as-uid=7 --as-group=x'), /UID +7/);
  }

  const file = join(tempDir(), 'roles.yaml');
  writeFileSync(file, MORE_RIGHTS);
  assert.match(
    await admin.ok(`auth reconcile -f ${file}`),
    /role.rbac.authorization.k8s.io\/reader reconciled/,
  );
  assert.equal(await admin.ok(`auth can-i get configmaps -n team ${ann}`), 'yes\n');

  await admin.ok('apply -f -', SIGNING_REQUEST);
  assert.match(await admin.ok('get csr ann'), /kube-apiserver-client .* Pending/);
  assert.match(await admin.ok('certificate approve ann'), /approved/);
  await eventually('signed', async () => {
    assert.match(await admin.ok('get csr ann'), /Approved,Issued/);
  });
  await admin.ok('delete csr ann');

  await admin.ok('delete serviceaccount ci -n team');
  await ci.fails('get pods -n team', /Unauthorized|must be logged in/);
  await admin.ok('delete clusterrole,clusterrolebinding metrics');
  await admin.ok('delete role,rolebinding reader -n team');
  await admin.ok('delete namespace team --wait=false');
  // Nothing here empties namespaces: the next version finds it gone.
  await admin.ok(
    'replace --raw /api/v1/namespaces/team/finalize -f -',
    '{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"team"},"spec":{"finalizers":[]}}',
  );
}

function tokenConfig(server: string, token: string): string {
  const file = join(tempDir(), 'kubeconfig');
  writeFileSync(
    file,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'u', user: { token } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
  );
  return file;
}
