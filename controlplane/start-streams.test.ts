// What travels over the wire: lists, Tables, watches, discovery, metrics, and logs over the tunnel of a node.
import assert from 'node:assert/strict';

import type { Agent } from 'node:https';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';

import { WebSocket } from 'ws';

import { CONFIG_MAPS, call, configMap, open, startTestPlane } from './control-plane-fixture.ts';
import type { TestPlane } from './control-plane-fixture.ts';

let fixture: TestPlane;
let base: string;
let admin: Agent;
let node: Agent;

before(async () => {
  fixture = await startTestPlane();
  base = fixture.plane.url;
  ({ admin, node } = fixture);
});
after(() => fixture.close());

test('a list pages at one revision and carries no kind in built-in items', async () => {
  for (const name of ['p1', 'p2', 'p3'])
    await call(base, admin, 'POST', CONFIG_MAPS, configMap(name));
  const names: string[] = [];
  const revisions = new Set<unknown>();
  let token = '';
  do {
    const page = await call(base, admin, 'GET', `${CONFIG_MAPS}?limit=2&continue=${token}`);
    assert.equal(page.code, 200);
    const { metadata, items } = page.json as {
      metadata: { resourceVersion: string; continue?: string };
      items: { kind?: string; metadata: { name: string } }[];
    };
    revisions.add(metadata.resourceVersion);
    for (const item of items) {
      assert.equal(item.kind, undefined);
      names.push(item.metadata.name);
    }
    token = metadata.continue ?? '';
    await call(base, admin, 'POST', CONFIG_MAPS, configMap(`q${names.length}`));
  } while (token !== '');
  assert.deepEqual(
    names.filter((name) => name.startsWith('p')),
    ['p1', 'p2', 'p3'],
  );
  assert.equal(revisions.size, 1);
});

test('kubectl gets a Table', async () => {
  const answer = await call(base, admin, 'GET', '/api/v1/namespaces', undefined, {
    accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
  });
  const { kind, columnDefinitions, rows } = answer.json as {
    kind: string;
    columnDefinitions: { name: string; format: string }[];
    rows: { cells: unknown[]; object: { kind: string } }[];
  };
  assert.equal(kind, 'Table');
  assert.equal(columnDefinitions[0]?.format, 'name');
  assert.equal(rows[0]?.cells[0], 'default');
  assert.equal(rows[0]?.object.kind, 'PartialObjectMetadata');
});

test('a large list is compressed for clients that take gzip, and whole for others', async () => {
  const data = { k: 'x'.repeat(100_000) };
  for (const name of ['g1', 'g2', 'g3', 'g4']) {
    await call(base, admin, 'POST', CONFIG_MAPS, configMap(name, { data }));
  }
  const plain = await call(base, admin, 'GET', CONFIG_MAPS);
  assert.equal(plain.headers['content-encoding'], undefined);
  assert.ok((plain.json['items'] as unknown[]).length >= 4);
  const packed = await call(base, admin, 'GET', CONFIG_MAPS, undefined, {
    'accept-encoding': 'gzip',
  });
  assert.equal(packed.headers['content-encoding'], 'gzip');
  assert.ok(packed.text.length < plain.text.length / 10);
});

test('a watch shows what is there, then changes, and ends in time', async () => {
  const stream = await open(
    base,
    admin,
    'GET',
    `${CONFIG_MAPS}?watch=true&labelSelector=app%3Dw&timeoutSeconds=20`,
  );
  assert.equal(stream.statusCode, 200);
  const lines = createInterface({ input: stream })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value } = (await lines.next()) as { value: string };
    const { type, object } = JSON.parse(value) as {
      type: string;
      object: { metadata: { name: string } };
    };
    return `${type} ${object.metadata.name}`;
  };
  const labelled = (app: string): Record<string, unknown> =>
    configMap('w', { metadata: { name: 'w', labels: { app } } });
  await call(base, admin, 'POST', CONFIG_MAPS, labelled('w'));
  assert.equal(await next(), 'ADDED w');
  await call(base, admin, 'PUT', `${CONFIG_MAPS}/w`, labelled('other'));
  assert.equal(await next(), 'DELETED w');
  await call(base, admin, 'PUT', `${CONFIG_MAPS}/w`, labelled('w'));
  assert.equal(await next(), 'ADDED w');
  await call(base, admin, 'DELETE', `${CONFIG_MAPS}/w`);
  assert.equal(await next(), 'DELETED w');
  stream.destroy();
});

test('discovery comes in the form that was asked for, and 304 when nothing changed', async () => {
  for (const version of ['v2', 'v2beta1']) {
    const type = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
    const answer = await call(base, admin, 'GET', '/apis', undefined, {
      accept: `${type},application/json`,
    });
    assert.equal(answer.headers['content-type'], type);
    assert.equal(answer.json['apiVersion'], `apidiscovery.k8s.io/${version}`);
    const again = await call(base, admin, 'GET', '/apis', undefined, {
      accept: type,
      'if-none-match': answer.headers.etag ?? '',
    });
    assert.equal(again.code, 304);
  }
  const legacy = await call(base, admin, 'GET', '/api/v1');
  const names = (legacy.json['resources'] as { name: string }[]).map(({ name }) => name);
  for (const name of ['pods', 'pods/log', 'pods/eviction', 'namespaces/finalize']) {
    assert.ok(names.includes(name), name);
  }
});

test('metrics count requests under the names of upstream', async () => {
  (await open(base, admin, 'GET', `${CONFIG_MAPS}?watch=true`)).destroy();
  const { text } = await call(base, admin, 'GET', '/metrics');
  assert.match(
    text,
    /^apiserver_request_total\{verb="POST",group="",version="v1",resource="configmaps",.*code="201"\} \d+$/m,
  );
  assert.match(text, /^apiserver_request_duration_seconds_bucket\{le="1",.*verb="LIST"/m);
  assert.match(text, /^kubernetes_build_info\{major="1",minor="\d+",git_version="v1\.\d+/m);
  assert.match(text, /^authentication_attempts\{result="success"\} \d+$/m);
  assert.match(text, /^authenticated_user_requests\{username="admin"\} \d+$/m);
  assert.match(text, /^authorization_attempts_total\{result="allowed"\} \d+$/m);
  assert.match(text, /^apiserver_init_events_total\{.*resource="configmaps"\} \d+$/m);
});

test('logs come over the tunnel of the node', async () => {
  const pods = '/api/v1/namespaces/default/pods';
  const created = await call(base, admin, 'POST', pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'talker' },
    spec: { containers: [{ name: 'main', image: 'x' }] },
  });
  assert.equal(created.code, 201, created.text);
  const unscheduled = await call(base, admin, 'GET', `${pods}/talker/log`);
  assert.deepEqual([unscheduled.code, unscheduled.text], [200, ''], 'nothing has run yet');
  const bound = await call(base, admin, 'POST', `${pods}/talker/binding`, {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: 'talker' },
    target: { kind: 'Node', name: 'n1' },
  });
  assert.equal(bound.code, 201, bound.text);
  const away = await call(base, admin, 'GET', `${pods}/talker/log`);
  assert.equal(away.code, 503);
  assert.match(String(away.json['message']), /node "n1" is not connected/);

  const dial = (url: string, protocol?: string): WebSocket =>
    new WebSocket(
      `${base.replace('https', 'wss')}${url}`,
      protocol === undefined ? [] : [protocol],
      {
        agent: node,
      },
    );
  const tunnel = dial('/windlass/v1/nodes/n1/tunnel', 'tunnel.windlass.dev.v1');
  await new Promise((resolve, reject) => tunnel.once('open', resolve).once('error', reject));
  const asked: Record<string, unknown>[] = [];
  tunnel.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as Record<string, unknown>;
    asked.push(message);
    const session = dial(`/windlass/v1/sessions/${String(message['session'])}`);
    session.once('open', () => {
      session.send('{"status":"ok"}');
      session.send(Buffer.from('one\n'));
      session.send(Buffer.from('two\n'));
      session.close(1000);
    });
  });
  const log = await call(base, admin, 'GET', `${pods}/talker/log?tailLines=2&timestamps=true`);
  assert.equal(log.text, 'one\ntwo\n');
  assert.match(log.headers['content-type'] ?? '', /^text\/plain/);
  assert.equal(asked[0]?.['container'], 'main');
  assert.deepEqual(asked[0]?.['options'], {
    follow: false,
    previous: false,
    timestamps: true,
    tailLines: 2,
  });
  tunnel.terminate();
});

test('a WebSocket to anywhere else is refused with a Status', async () => {
  for (const [url, code] of [
    ['/windlass/v1/nodes/n2/tunnel', 403],
    ['/windlass/v1/sessions/00', 404],
  ] as const) {
    const socket = new WebSocket(`${base.replace('https', 'wss')}${url}`, { agent: node });
    const answer = await new Promise<number | undefined>((resolve) => {
      socket.once('unexpected-response', (_request, response) => resolve(response.statusCode));
      socket.once('error', () => undefined);
    });
    assert.equal(answer, code, url);
    socket.terminate();
  }
});
