// The whole control plane over real TLS with real client certificates: what a client sees, from the first byte to the stop.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';

import { systemClock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import WebSocket from 'ws';

import { ListenError } from './http/server.ts';
import { startControlPlane } from './start.ts';
import type { ControlPlane, ControlPlaneOptions } from './start.ts';

let folder: string;
let plane: ControlPlane;
let admin: Agent;
let node: Agent;
let anonymous: Agent;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'windlass-start-'));
  plane = await startControlPlane(optionsFor('data'), new AbortController().signal);
  admin = await agentOf(plane.adminKubeconfig);
  node = await agentOf(await plane.nodeKubeconfig('n1'));
  anonymous = new Agent({ ca: await readFile(plane.caFile), keepAlive: true });
});
after(async () => {
  for (const agent of [admin, node, anonymous]) agent.destroy();
  await plane.close();
  await rm(folder, { recursive: true, force: true });
});

function optionsFor(name: string, changes: Partial<ControlPlaneOptions> = {}): ControlPlaneOptions {
  const dataDir = path.join(folder, name);
  return {
    dataDir,
    bind: '127.0.0.1',
    port: 0,
    persistence: [`sqlite:${path.join(dataDir, 'state.db')}`],
    secretsKeyFile: `${dataDir}.key`,
    bootstrapObjects: [],
    version: '0.1.0',
    logger: silentLogger,
    clock: systemClock,
    metrics: new MetricsRegistry(),
    ...changes,
  };
}

/** A connection pool with the credentials of a kubeconfig. */
async function agentOf(kubeconfig: string): Promise<Agent> {
  const text = await readFile(kubeconfig, 'utf8');
  const embedded = (field: string): Buffer => {
    const value = new RegExp(`${field}: (\\S+)`).exec(text)?.[1];
    assert.ok(value, field);
    return Buffer.from(value, 'base64');
  };
  return new Agent({
    ca: embedded('certificate-authority-data'),
    cert: embedded('client-certificate-data'),
    key: embedded('client-key-data'),
    keepAlive: true,
  });
}

interface Answer {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

function open(
  agent: Agent,
  method: string,
  url: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    // Node adds no length to the body of a DELETE by itself.
    const length = text === undefined ? {} : { 'content-length': String(Buffer.byteLength(text)) };
    const request = httpsRequest(
      `${plane.url}${url}`,
      { agent, method, headers: { ...length, ...headers } },
      resolve,
    );
    request.on('error', reject);
    request.end(text);
  });
}

async function call(...parameters: Parameters<typeof open>): Promise<Answer> {
  const response = await open(...parameters);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  const isJSON =
    response.headers['content-type']?.startsWith('application/json') === true &&
    response.headers['content-encoding'] === undefined;
  return {
    code: response.statusCode ?? 0,
    headers: response.headers,
    text,
    json: isJSON && text !== '' ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

function configMap(name: string, changes: Record<string, unknown> = {}): Record<string, unknown> {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { k: 'v' }, ...changes };
}

test('ControlPlane answers health and version to everybody', async () => {
  assert.equal((await call(anonymous, 'GET', '/readyz')).text, 'ok');
  const verbose = await call(anonymous, 'GET', '/readyz?verbose&exclude=shutdown');
  assert.match(
    verbose.text,
    /\[\+\]storage ok\n.*\[\+\]shutdown excluded: ok\nreadyz check passed/s,
  );
  assert.equal(
    (await call(anonymous, 'GET', '/livez/ping')).text,
    '[+]ping ok\nlivez check passed\n',
  );
  const version = await call(anonymous, 'GET', '/version');
  assert.equal(version.json['gitVersion'], 'v1.37.0+windlass.0.1.0');
});

test('ControlPlane keeps anonymous callers and unknown tokens out', async () => {
  const denied = await call(anonymous, 'GET', '/api/v1/pods');
  assert.equal(denied.code, 403);
  assert.equal(
    denied.json['message'],
    'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope',
  );
  const token = await call(anonymous, 'GET', '/api/v1/pods', undefined, {
    authorization: 'Bearer x',
  });
  assert.equal(token.code, 401);
});

test('ControlPlane writes kubeconfigs that only their owner may read', async () => {
  assert.equal((await stat(plane.adminKubeconfig)).mode & 0o777, 0o600);
  assert.match(await readFile(plane.adminKubeconfig, 'utf8'), /^current-context: windlass$/m);
});

test('an object is created, read, changed and deleted', async () => {
  const created = await call(admin, 'POST', CONFIG_MAPS, configMap('life'), {
    'content-type': 'application/json',
    'audit-id': '00000000-0000-4000-8000-000000000000',
  });
  assert.equal(created.code, 201);
  assert.equal(created.headers['audit-id'], '00000000-0000-4000-8000-000000000000');
  assert.equal(created.headers['cache-control'], 'no-cache, private');
  assert.ok(created.text.endsWith('\n'));
  const again = await call(admin, 'POST', CONFIG_MAPS, configMap('life'));
  assert.equal(again.json['message'], 'configmaps "life" already exists');

  const read = await call(admin, 'GET', `${CONFIG_MAPS}/life`);
  assert.equal(read.text, created.text);
  const yaml = await call(admin, 'GET', `${CONFIG_MAPS}/life`, undefined, {
    accept: 'application/yaml',
  });
  assert.match(yaml.text, /^kind: ConfigMap$/m);

  const changed = await call(
    admin,
    'PUT',
    `${CONFIG_MAPS}/life`,
    configMap('life', { data: { k: 'w' } }),
  );
  assert.equal(changed.code, 200);
  const merged = await call(admin, 'PATCH', `${CONFIG_MAPS}/life`, '{"data":{"l":"x"}}', {
    'content-type': 'application/merge-patch+json',
  });
  assert.deepEqual(merged.json['data'], { k: 'w', l: 'x' });
  const apply = await call(admin, 'PATCH', `${CONFIG_MAPS}/life`, '{}', {
    'content-type': 'application/apply-patch+yaml',
  });
  assert.equal(apply.code, 415);

  const deleted = await call(
    admin,
    'DELETE',
    `${CONFIG_MAPS}/life`,
    '{"propagationPolicy":"Background"}',
  );
  assert.equal(deleted.json['status'], 'Success', deleted.text);
  assert.equal(
    (await call(admin, 'GET', `${CONFIG_MAPS}/life`)).json['message'],
    'configmaps "life" not found',
  );
});

const refusals: readonly (readonly [string, string, string, unknown, number, RegExp])[] = [
  ['an unknown path', 'GET', '/nothing', undefined, 404, /could not find the requested resource/],
  ['an unknown kind', 'GET', '/apis/apps/v1/things', undefined, 404, /could not find/],
  [
    'an unknown subresource',
    'GET',
    `${CONFIG_MAPS}/a/status`,
    undefined,
    404,
    /configmaps "a" not found/,
  ],
  ['a namespaced object outside', 'GET', '/api/v1/configmaps/a', undefined, 404, /could not find/],
  [
    'a create over all namespaces',
    'POST',
    '/api/v1/configmaps',
    configMap('a'),
    405,
    /does not allow this method/,
  ],
  ['a method of no verb', 'OPTIONS', CONFIG_MAPS, undefined, 405, /does not allow this method/],
  ['half a JSON document', 'POST', CONFIG_MAPS, '{"kind":', 400, /./],
  [
    'another kind',
    'POST',
    CONFIG_MAPS,
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } },
    400,
    /./,
  ],
  ['a wrong percent-encoding', 'GET', '/api/v1/%zz', undefined, 400, /percent-encoding/],
  [
    'a body above the limit',
    'POST',
    CONFIG_MAPS,
    'x'.repeat(3 * 1024 * 1024 + 1),
    413,
    /limit is 3145728/,
  ],
  [
    'a field selector nobody knows',
    'GET',
    `${CONFIG_MAPS}?fieldSelector=a=b`,
    undefined,
    400,
    /field label not supported: a/,
  ],
  ['a bad limit', 'GET', `${CONFIG_MAPS}?limit=x`, undefined, 400, /limit/],
  [
    'a bad continue',
    'GET',
    `${CONFIG_MAPS}?continue=x`,
    undefined,
    400,
    /continue key is not valid/,
  ],
];
for (const [what, method, url, body, code, message] of refusals) {
  test(`the server answers ${code} to ${what}`, async () => {
    const answer = await call(admin, method, url, body).catch((error: NodeJS.ErrnoException) => {
      // The server may cut a body that it does not want before the client has read the answer.
      assert.ok(
        code === 413 && (error.code === 'ECONNRESET' || error.code === 'EPIPE'),
        String(error),
      );
      return undefined;
    });
    if (answer === undefined) return;
    assert.equal(answer.code, code);
    assert.equal(answer.json['kind'], 'Status');
    assert.match(String(answer.json['message']), message);
  });
}

test('a list pages at one revision and carries no kind in built-in items', async () => {
  for (const name of ['p1', 'p2', 'p3']) await call(admin, 'POST', CONFIG_MAPS, configMap(name));
  const names: string[] = [];
  const revisions = new Set<unknown>();
  let token = '';
  do {
    const page = await call(admin, 'GET', `${CONFIG_MAPS}?limit=2&continue=${token}`);
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
    await call(admin, 'POST', CONFIG_MAPS, configMap(`q${names.length}`));
  } while (token !== '');
  assert.deepEqual(
    names.filter((name) => name.startsWith('p')),
    ['p1', 'p2', 'p3'],
  );
  assert.equal(revisions.size, 1);
});

test('kubectl gets a Table', async () => {
  const answer = await call(admin, 'GET', '/api/v1/namespaces', undefined, {
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
    await call(admin, 'POST', CONFIG_MAPS, configMap(name, { data }));
  }
  const plain = await call(admin, 'GET', CONFIG_MAPS);
  assert.equal(plain.headers['content-encoding'], undefined);
  assert.ok((plain.json['items'] as unknown[]).length >= 4);
  const packed = await call(admin, 'GET', CONFIG_MAPS, undefined, { 'accept-encoding': 'gzip' });
  assert.equal(packed.headers['content-encoding'], 'gzip');
  assert.ok(packed.text.length < plain.text.length / 10);
});

test('a watch shows what is there, then changes, and ends in time', async () => {
  const stream = await open(
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
  await call(admin, 'POST', CONFIG_MAPS, labelled('w'));
  assert.equal(await next(), 'ADDED w');
  await call(admin, 'PUT', `${CONFIG_MAPS}/w`, labelled('other'));
  assert.equal(await next(), 'DELETED w');
  await call(admin, 'PUT', `${CONFIG_MAPS}/w`, labelled('w'));
  assert.equal(await next(), 'ADDED w');
  await call(admin, 'DELETE', `${CONFIG_MAPS}/w`);
  assert.equal(await next(), 'DELETED w');
  stream.destroy();
});

test('discovery comes in the form that was asked for, and 304 when nothing changed', async () => {
  for (const version of ['v2', 'v2beta1']) {
    const type = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
    const answer = await call(admin, 'GET', '/apis', undefined, {
      accept: `${type},application/json`,
    });
    assert.equal(answer.headers['content-type'], type);
    assert.equal(answer.json['apiVersion'], `apidiscovery.k8s.io/${version}`);
    const again = await call(admin, 'GET', '/apis', undefined, {
      accept: type,
      'if-none-match': answer.headers.etag ?? '',
    });
    assert.equal(again.code, 304);
  }
  const legacy = await call(admin, 'GET', '/api/v1');
  const names = (legacy.json['resources'] as { name: string }[]).map(({ name }) => name);
  for (const name of ['pods', 'pods/log', 'pods/eviction', 'namespaces/finalize']) {
    assert.ok(names.includes(name), name);
  }
});

test('metrics count requests under the names of upstream', async () => {
  const { text } = await call(admin, 'GET', '/metrics');
  assert.match(
    text,
    /^apiserver_request_total\{verb="POST",group="",version="v1",resource="configmaps",.*code="201"\} \d+$/m,
  );
  assert.match(text, /^apiserver_request_duration_seconds_bucket\{le="1",.*verb="LIST"/m);
});

test('a node may register itself and nobody else', async () => {
  const body = (name: string): unknown => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } });
  assert.equal((await call(node, 'POST', '/api/v1/nodes', body('n2'))).code, 403);
  assert.equal((await call(node, 'POST', '/api/v1/nodes', body('n1'))).code, 201);
  assert.equal((await call(node, 'GET', '/api/v1/nodes/n1')).code, 200);
  assert.equal((await call(node, 'GET', '/api/v1/secrets')).code, 403);
  assert.equal(
    (await call(node, 'GET', '/api/v1/pods?fieldSelector=spec.nodeName%3Dn1')).code,
    200,
  );
});

test('logs come over the tunnel of the node', async () => {
  const pods = '/api/v1/namespaces/default/pods';
  const created = await call(admin, 'POST', pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'talker' },
    spec: { containers: [{ name: 'main', image: 'x' }] },
  });
  assert.equal(created.code, 201, created.text);
  const unscheduled = await call(admin, 'GET', `${pods}/talker/log`);
  assert.match(String(unscheduled.json['message']), /does not have a host assigned/);
  const bound = await call(admin, 'POST', `${pods}/talker/binding`, {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: 'talker' },
    target: { kind: 'Node', name: 'n1' },
  });
  assert.equal(bound.code, 201, bound.text);
  const away = await call(admin, 'GET', `${pods}/talker/log`);
  assert.equal(away.code, 503);
  assert.match(String(away.json['message']), /node "n1" is not connected/);

  const dial = (url: string, protocol?: string): WebSocket =>
    new WebSocket(
      `${plane.url.replace('https', 'wss')}${url}`,
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
  const log = await call(admin, 'GET', `${pods}/talker/log?tailLines=2&timestamps=true`);
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
    const socket = new WebSocket(`${plane.url.replace('https', 'wss')}${url}`, { agent: node });
    const answer = await new Promise<number | undefined>((resolve) => {
      socket.once('unexpected-response', (_request, response) => resolve(response.statusCode));
      socket.once('error', () => undefined);
    });
    assert.equal(answer, code, url);
    socket.terminate();
  }
});

test('startControlPlane() names the flag when the port is taken', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const start = startControlPlane(optionsFor('taken', { port }), new AbortController().signal);
  await assert.rejects(
    start,
    (error) => error instanceof ListenError && /--port/.test(error.message),
  );
  other.close();
});

test('ControlPlane ends watches when it stops, and comes back with the same objects', async () => {
  const options = optionsFor('again');
  const first = await startControlPlane(options, new AbortController().signal);
  const agent = await agentOf(first.adminKubeconfig);
  const outer = plane;
  plane = first;
  try {
    await call(agent, 'POST', CONFIG_MAPS, configMap('kept'));
    const stream = await open(agent, 'GET', `${CONFIG_MAPS}?watch=true`);
    const ended = new Promise((resolve) => stream.once('end', resolve));
    stream.resume();
    await first.close();
    await ended;
    plane = await startControlPlane(
      { ...options, metrics: new MetricsRegistry() },
      new AbortController().signal,
    );
    assert.equal((await call(agent, 'GET', `${CONFIG_MAPS}/kept`)).code, 200);
    await plane.close();
  } finally {
    agent.destroy();
    plane = outer;
  }
});
