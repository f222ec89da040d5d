// PersistenceInstances as clients of a real server see them: read-only, there also while the storage is dead.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { MetricsRegistry } from '#platform/metrics.ts';

import {
  CONFIG_MAPS,
  agentOf,
  call,
  configMap,
  open,
  testOptions,
} from './control-plane-fixture.ts';
import { startControlPlane } from './start.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'windlass-seen-'));
after(() => rmSync(folder, { recursive: true }));

const GROUP = '/apis/windlass.dev/v1alpha1';
const INSTANCES = `${GROUP}/persistenceinstances`;

/** An answer of several JSON documents. */
async function textOf(response: ReturnType<typeof open>): Promise<string> {
  let text = '';
  for await (const chunk of await response) text += String(chunk);
  return text;
}

interface Instance {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status: Readonly<Record<string, unknown>> & {
    readonly conditions: readonly { readonly type: string; readonly status: string }[];
  };
}

async function serve(
  t: { after(work: () => Promise<void>): void },
  name: string,
  dataDir?: string,
) {
  const metrics = new MetricsRegistry();
  const plane = await startControlPlane(
    testOptions(dataDir ?? path.join(folder, name), {
      metrics,
      secretsKeys: [{ type: 'file', path: path.join(folder, `${name}.key`) }],
    }),
    new AbortController().signal,
  );
  const admin = await agentOf(plane.adminKubeconfig);
  t.after(async () => {
    admin.destroy();
    await plane.close();
  });
  const ask = (method: string, url: string, body?: unknown, headers?: Record<string, string>) =>
    call(plane.url, admin, method, url, body, headers);
  return { plane, admin, metrics, ask };
}

test('the kind is served with its verbs, schema and one object for each instance', async (t) => {
  const { ask } = await serve(t, 'served');
  const discovery = await ask('GET', GROUP);
  assert.deepEqual((discovery.json['resources'] as readonly object[])[0], {
    name: 'persistenceinstances',
    singularName: 'persistenceinstance',
    namespaced: false,
    kind: 'PersistenceInstance',
    verbs: ['get', 'list', 'watch'],
    shortNames: ['pinst'],
    storageVersionHash: (
      discovery.json['resources'] as readonly { storageVersionHash: string }[]
    )[0]?.storageVersionHash,
  });
  const openapi = await ask('GET', `/openapi/v3${GROUP}`);
  assert.ok(openapi.text.includes('dev.windlass.v1alpha1.PersistenceInstance'));
  assert.ok(openapi.text.includes('meanPersistLatency'));

  const list = await ask('GET', INSTANCES);
  assert.equal(list.json['kind'], 'PersistenceInstanceList');
  const [instance, second] = list.json['items'] as readonly Instance[];
  assert.ok(instance);
  assert.equal(second, undefined);
  assert.match(instance.metadata.name, /^sqlite-[0-9a-f]{8}$/);
  assert.equal(instance.spec['role'], 'Primary');
  assert.equal(instance.status['exists'], true);
  assert.equal(instance.status['status'], true);
  assert.equal(instance.status.conditions[0]?.status, 'True');
  const one = await ask('GET', `${INSTANCES}/${instance.metadata.name}`);
  assert.equal(one.json['kind'], 'PersistenceInstance');
  assert.equal((await ask('GET', `${INSTANCES}/nothing`)).code, 404);
  const checks = await ask('GET', '/readyz?verbose');
  assert.ok(checks.text.includes(`[+]persistence-${instance.metadata.name} ok`), checks.text);
  assert.equal((await ask('GET', `/readyz/persistence-${instance.metadata.name}`)).code, 200);
});

test('nobody can write them or take their names', async (t) => {
  const { ask } = await serve(t, 'readonly');
  const list = await ask('GET', INSTANCES);
  const [instance] = list.json['items'] as readonly Instance[];
  const one = `${INSTANCES}/${instance?.metadata.name}`;
  const merge = { 'content-type': 'application/merge-patch+json' };
  const answers = [
    await ask('POST', INSTANCES, { metadata: { name: 'x' } }),
    await ask('PUT', one, instance),
    await ask('PATCH', one, { spec: { role: 'Replica' } }, merge),
    await ask('DELETE', one),
    await ask('DELETE', INSTANCES),
  ];
  for (const { code, json } of answers) {
    assert.equal(code, 405);
    assert.equal(json['kind'], 'Status');
  }
  const names = {
    plural: 'persistenceinstances',
    singular: 'persistenceinstance',
    kind: 'PersistenceInstance',
    listKind: 'PersistenceInstanceList',
  };
  const versions = [
    {
      name: 'v1alpha1',
      served: true,
      storage: true,
      schema: { openAPIV3Schema: { type: 'object' } },
    },
  ];
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'persistenceinstances.windlass.dev' },
    spec: { group: 'windlass.dev', scope: 'Cluster', names, versions },
  };
  const made = await ask(
    'POST',
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    definition,
  );
  assert.equal(made.code, 201, made.text);
  const { conditions } = made.json['status'] as {
    conditions: { type: string; status: string; reason: string }[];
  };
  // Of several names that are taken the last is told, as upstream does.
  assert.equal(conditions.find(({ type }) => type === 'NamesAccepted')?.reason, 'ListKindConflict');
  assert.equal((await ask('GET', one)).json['kind'], 'PersistenceInstance');
});

test('a watch begins with what there is and ends when asked; a Table has the columns of kubectl', async (t) => {
  const { ask, plane, admin } = await serve(t, 'watched');
  const watchFor = (url: string) => textOf(open(plane.url, admin, 'GET', url));
  const text = await watchFor(`${INSTANCES}?watch=true&timeoutSeconds=1`);
  const [first] = text.trim().split('\n');
  const event = JSON.parse(first ?? '{}') as { type: string; object: Instance };
  assert.equal(event.type, 'ADDED');
  assert.equal(event.object.kind, 'PersistenceInstance');
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
  const table = await ask('GET', INSTANCES, undefined, { accept });
  const columns = (table.json['columnDefinitions'] as { name: string; priority: number }[])
    .filter(({ priority }) => priority === 0)
    .map(({ name }) => name);
  assert.deepEqual(columns, [
    'Name',
    'Provider',
    'Role',
    'State',
    'Exists',
    'Up',
    'Latency',
    'Lag',
    'Age',
  ]);
});

test('a watch from before a restart is told to list again', async (t) => {
  const dataDir = path.join(folder, 'again');
  const plane = await startControlPlane(
    testOptions(dataDir, { secretsKeys: [{ type: 'file', path: path.join(folder, 'again.key') }] }),
    new AbortController().signal,
  );
  const admin = await agentOf(plane.adminKubeconfig);
  const list = await call(plane.url, admin, 'GET', INSTANCES);
  const { resourceVersion } = list.json['metadata'] as { resourceVersion: string };
  await call(plane.url, admin, 'POST', CONFIG_MAPS, configMap('between'));
  admin.destroy();
  await plane.close();
  const { ask } = await serve(t, 'again', dataDir);
  const watched = await ask(
    'GET',
    `${INSTANCES}?watch=true&timeoutSeconds=1&resourceVersion=${resourceVersion}`,
  );
  assert.match(watched.text, /"type":"ERROR".*"code":410/);
});

test('metrics have a series for each instance', async (t) => {
  const { ask, metrics } = await serve(t, 'measured');
  await ask('POST', CONFIG_MAPS, configMap('a'));
  const text = await metrics.expose();
  for (const name of [
    'instance_up',
    'mean_latency_seconds',
    'lag_seconds',
    'lag_revisions',
    'pending_bytes',
    'breaker_open',
    'full_syncs_total',
    'divergences_total',
    'persist_seconds_count',
  ]) {
    assert.match(
      text,
      new RegExp(
        `^windlass_persistence_${name}\\{provider="sqlite",instance="sqlite-[0-9a-f]{8}"\\} `,
        'm',
      ),
    );
  }
  assert.match(text, /^windlass_persistence_instance_state\{.*state="Up"\} 1$/m);
});

/** From now on this process cannot write beyond so many bytes of a file: an I/O error, not a full disk. */
function limitFiles(bytes: string): void {
  execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}:unlimited`]);
}

test('they can be read while the storage is dead, and say so', async (t) => {
  const { plane, admin, ask } = await serve(t, 'dead');
  const [before] = (await ask('GET', INSTANCES)).json['items'] as readonly Instance[];
  const watch = await open(plane.url, admin, 'GET', `${INSTANCES}?watch=true`);
  limitFiles('4096');
  t.after(() => Promise.resolve(limitFiles('unlimited')));
  const refused = await ask('POST', CONFIG_MAPS, configMap('never'));
  assert.equal(refused.code, 503, refused.text);
  const [instance] = (await ask('GET', INSTANCES)).json['items'] as readonly Instance[];
  assert.equal(instance?.metadata.uid, before?.metadata.uid);
  assert.equal(instance?.status['status'], false);
  assert.equal(instance?.status['state'], 'Down');
  assert.equal(instance?.status.conditions[0]?.status, 'False');
  assert.equal((await ask('GET', `/readyz/persistence-${instance?.metadata.name}`)).code, 500);
  let heard = '';
  for await (const chunk of watch) {
    heard += String(chunk);
    if (heard.includes('"state":"Down"')) break;
  }
  assert.match(heard, /"type":"MODIFIED".*"state":"Down"/s);
});

test('administrators may dump, verify and fill instances anew; nobody else may', async (t) => {
  const { plane, ask } = await serve(t, 'operated');
  await ask('POST', CONFIG_MAPS, configMap('dumped'));
  const [instance] = (await ask('GET', INSTANCES)).json['items'] as readonly Instance[];
  const one = `${INSTANCES}/${instance?.metadata.name}`;
  const dump = await ask('GET', `${one}/dump?kind=core/configmaps&key=default/dumped`);
  assert.equal(dump.code, 200);
  assert.equal(dump.headers['content-type'], 'application/vnd.windlass.dump');
  assert.ok(dump.text.includes('"name":"dumped"'));
  assert.ok(!dump.text.includes('"kind":"Namespace"'));
  const verified = await ask('POST', `${one}/verify`, {});
  assert.equal(verified.code, 200, verified.text);
  assert.ok(Number(verified.json['records']) > 4);
  const resync = await ask('POST', `${one}/resync`, {});
  assert.equal(resync.code, 409);
  assert.match(String(resync.json['message']), /primary/);
  for (const [method, path, code] of [
    ['GET', `${INSTANCES}/absent/dump`, 404],
    ['POST', `${INSTANCES}/absent/verify`, 404],
    ['POST', `${one}/dump`, 405],
    ['GET', `${one}/verify`, 405],
    ['GET', `${one}/dump?after=x`, 400],
    ['POST', `${one}/add`, 400],
    ['POST', `${one}/unknown`, 404],
  ] as const) {
    const { code: found, json } = await ask(method, path, method === 'POST' ? {} : undefined);
    assert.equal(found, code, `${method} ${path}`);
    assert.equal(json['kind'], 'Status');
  }
  const node = await agentOf(await plane.nodeKubeconfig('n1'));
  t.after(() => Promise.resolve(node.destroy()));
  for (const [method, path] of [
    ['GET', `${one}/dump`],
    ['POST', `${one}/verify`],
    ['POST', `${one}/resync`],
    ['POST', `${one}/promote`],
    ['POST', `${one}/add`],
    ['POST', `${one}/remove`],
  ] as const)
    assert.equal((await call(plane.url, node, method, path)).code, 403);
});
