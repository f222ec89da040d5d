// How a watch begins and over what it runs: streaming lists with their end bookmark, revisions that do not go, WebSockets.
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import type { Agent } from 'node:https';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';

import { WebSocket } from 'ws';

import {
  CONFIG_MAPS,
  call,
  configMap,
  credentialsOf,
  open,
  startTestPlane,
} from './control-plane-fixture.ts';
import type { TestPlane } from './control-plane-fixture.ts';

let fixture: TestPlane;
let base: string;
let admin: Agent;

before(async () => {
  fixture = await startTestPlane();
  base = fixture.plane.url;
  ({ admin } = fixture);
});
after(() => fixture.close());

interface WatchEvent {
  readonly type: string;
  readonly object: {
    readonly kind: string;
    readonly code?: number;
    readonly reason?: string;
    readonly message?: string;
    readonly metadata: {
      readonly name?: string;
      readonly resourceVersion?: string;
      readonly annotations?: Readonly<Record<string, string>>;
    };
    readonly [field: string]: unknown;
  };
}

/** The events of a watch, one by one; ends with the answer. */
async function* eventsOf(response: IncomingMessage): AsyncGenerator<WatchEvent> {
  for await (const line of createInterface(response)) yield JSON.parse(line) as WatchEvent;
}

/** Has begun when it is there: nothing that happens from then on is missed. */
async function watch(
  query: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<AsyncGenerator<WatchEvent>> {
  const url = `${CONFIG_MAPS}?watch=1&${query}`;
  const response = await open(base, admin, 'GET', url, undefined, headers);
  const events = eventsOf(response);
  return Object.assign(events, {
    return: async (value: unknown) => {
      response.destroy();
      return Promise.resolve({ done: true as const, value });
    },
  });
}

async function take(events: AsyncGenerator<WatchEvent>, count: number): Promise<WatchEvent[]> {
  const taken: WatchEvent[] = [];
  while (taken.length < count) {
    const { value, done } = await events.next();
    if (done === true) break;
    taken.push(value);
  }
  return taken;
}

async function revisionOf(name: string): Promise<number> {
  const { json } = await call(base, admin, 'GET', `${CONFIG_MAPS}/${name}`);
  return Number((json as unknown as WatchEvent['object']).metadata.resourceVersion);
}

const STREAMING = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan';
const ENDS = 'k8s.io/initial-events-end';

test('a streaming list is the present state, a bookmark that says so, and what happens next', async () => {
  const labels = { test: 'streaming' };
  for (const name of ['s1', 's2']) {
    const metadata = { name, labels };
    await call(base, admin, 'POST', CONFIG_MAPS, configMap(name, { metadata }));
  }
  const events = await watch(
    `${STREAMING}&allowWatchBookmarks=true&labelSelector=test%3Dstreaming`,
  );
  const [first, second, end] = await take(events, 3);
  assert.deepEqual([first?.object.metadata.name, second?.object.metadata.name], ['s1', 's2']);
  assert.equal(end?.type, 'BOOKMARK');
  assert.equal(end.object.kind, 'ConfigMap');
  assert.deepEqual(end.object.metadata.annotations, { [ENDS]: 'true' });
  assert.ok(Number(end.object.metadata.resourceVersion) >= (await revisionOf('s2')));
  await call(base, admin, 'DELETE', `${CONFIG_MAPS}/s1`);
  const [gone] = await take(events, 1);
  assert.deepEqual([gone?.type, gone?.object.metadata.name], ['DELETED', 's1']);
  await events.return(undefined);
});

test('a streaming list of nothing is a bookmark, in the form that was asked for', async () => {
  const nothing = `${STREAMING}&allowWatchBookmarks=true&labelSelector=test%3Dnothing`;
  for (const as of ['Table', 'PartialObjectMetadata']) {
    const accept = `application/json;as=${as};v=v1;g=meta.k8s.io`;
    const events = await watch(nothing, { accept });
    const [end] = await take(events, 1);
    await events.return(undefined);
    assert.equal(end?.type, 'BOOKMARK');
    assert.equal(end.object.kind, as);
    const rows = end.object['rows'] as readonly { object: WatchEvent['object'] }[] | undefined;
    const { metadata } = rows?.[0]?.object ?? end.object;
    assert.deepEqual(metadata.annotations, { [ENDS]: 'true' });
    if (as === 'Table') assert.ok(Array.isArray(end.object['columnDefinitions']));
  }
});

test('without initial events a watch begins where it is told, or now', async () => {
  await call(base, admin, 'POST', CONFIG_MAPS, configMap('w1'));
  const since = await revisionOf('w1');
  const none = 'sendInitialEvents=false&resourceVersionMatch=NotOlderThan';
  const fromNow = await watch(none);
  const now = fromNow.next();
  const fromThen = await watch(`${none}&resourceVersion=${since}`);
  await call(base, admin, 'PUT', `${CONFIG_MAPS}/w1`, configMap('w1', { data: { k: '2' } }));
  const [then] = await take(fromThen, 1);
  const { value } = await now;
  for (const event of [then, value as WatchEvent]) {
    assert.deepEqual([event?.type, event?.object.metadata.name], ['MODIFIED', 'w1']);
  }
  await fromNow.return(undefined);
  await fromThen.return(undefined);
});

test('a streaming list waits for a revision that is not there yet', async () => {
  const current = await revisionOf('w1');
  const soon = await watch(`${STREAMING}&allowWatchBookmarks=true&resourceVersion=${current + 1}`);
  const first = soon.next();
  await call(base, admin, 'POST', CONFIG_MAPS, configMap('w2'));
  assert.equal(((await first).value as WatchEvent).type, 'ADDED');
  await soon.return(undefined);
});

test('what does not go together is refused before the stream', async () => {
  const { code, json } = await call(
    base,
    admin,
    'GET',
    `${CONFIG_MAPS}?watch=1&sendInitialEvents=true`,
  );
  assert.equal(code, 422);
  assert.match(String(json['message']), /sendInitialEvents requires setting resourceVersionMatch/);
});

async function socketOf(
  path: string,
  protocols: readonly string[] = [],
  withCertificate = true,
): Promise<WebSocket> {
  const { ca, ...client } = await credentialsOf(fixture.plane.adminKubeconfig);
  return new WebSocket(`${base.replace('https', 'wss')}${path}`, [...protocols], {
    ca,
    ...(withCertificate ? client : {}),
  });
}

/** What it is answered with; '' when it is upgraded. */
function refusalOf(socket: WebSocket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve(''));
    socket.on('error', reject);
    socket.on('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve(`${response.statusCode} ${Buffer.concat(chunks).toString()}`),
      );
    });
  });
}

test('a watch as a WebSocket sends each event as a text message', async () => {
  const big = { k: 'x'.repeat(70_000) };
  await call(base, admin, 'POST', CONFIG_MAPS, configMap('ws1'));
  await call(base, admin, 'POST', CONFIG_MAPS, configMap('ws2', { data: big }));
  const socket = await socketOf(`${CONFIG_MAPS}?watch=true&fieldSelector=metadata.name%3Dws2`, [
    'base64.binary.k8s.io',
  ]);
  const seen: { readonly event: WatchEvent; readonly isBinary: boolean }[] = [];
  const waiting: (() => void)[] = [];
  socket.on('message', (data: Buffer, isBinary) => {
    seen.push({ event: JSON.parse(data.toString()) as WatchEvent, isBinary });
    waiting.shift()?.();
  });
  const next = (): Promise<void> => new Promise((resolve) => waiting.push(resolve));
  const added = next();
  assert.equal(await refusalOf(socket), '');
  assert.equal(socket.protocol, 'base64.binary.k8s.io');
  await added;
  const deleted = next();
  await call(base, admin, 'DELETE', `${CONFIG_MAPS}/ws2`);
  await deleted;
  assert.deepEqual(
    seen.map(({ event, isBinary }) => [event.type, event.object.metadata.name, isBinary]),
    [
      ['ADDED', 'ws2', false],
      ['DELETED', 'ws2', false],
    ],
  );
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.close();
  await closed;
});

test('a watch as a WebSocket ends in time, with a closing frame', async () => {
  const socket = await socketOf(`${CONFIG_MAPS}?watch=true&timeoutSeconds=1&resourceVersion=0`);
  const code = await new Promise<number>((resolve) => socket.once('close', resolve));
  assert.equal(code, 1000);
});

test('what is wrong with a WebSocket watch is said as a Status', async () => {
  const refusals: readonly (readonly [string, RegExp])[] = [
    [`${CONFIG_MAPS}?watch=true&labelSelector=(`, /^400 .*"reason":"BadRequest"/],
    [`${CONFIG_MAPS}?watch=true&sendInitialEvents=true`, /^422 .*sendInitialEvents requires/],
    ['/api/v1/nothings?watch=true', /^404 /],
    [`${CONFIG_MAPS}/ws1?watch=true`, /^400 .*cannot be upgraded/],
    ['/apis/authorization.k8s.io/v1/subjectaccessreviews?watch=true', /^405 /],
  ];
  for (const [path, text] of refusals) {
    assert.match(await refusalOf(await socketOf(path)), text, path);
  }
});

test('a browser shows its token among the subprotocols', async () => {
  const account = '/api/v1/namespaces/default/serviceaccounts';
  const meta = { metadata: { name: 'browser' } };
  await call(base, admin, 'POST', account, { apiVersion: 'v1', kind: 'ServiceAccount', ...meta });
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const { json } = await call(base, admin, 'POST', `${account}/browser/token`, request);
  const { token } = json['status'] as { token: string };
  const shown = `base64url.bearer.authorization.k8s.io.${Buffer.from(token).toString('base64url')}`;
  const path = `${CONFIG_MAPS}?watch=true`;
  const protocols = [shown, 'base64.binary.k8s.io'];
  assert.match(
    await refusalOf(await socketOf(path, protocols, false)),
    /^403 .*system:serviceaccount:default:browser/,
  );
  assert.match(await refusalOf(await socketOf(path, [shown], false)), /^401 /);
  await call(base, admin, 'POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'browser' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
    subjects: [{ kind: 'ServiceAccount', name: 'browser', namespace: 'default' }],
  });
  const socket = await socketOf(path, protocols, false);
  assert.equal(await refusalOf(socket), '');
  assert.equal(socket.protocol, 'base64.binary.k8s.io');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.close();
  await closed;
});

const PARTIAL = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
const PARTIAL_LIST = PARTIAL.replace('Metadata;', 'MetadataList;');
const TABLE = PARTIAL.replace('PartialObjectMetadata', 'Table');

test('what has no metadata or is of the other number is not acceptable, and said so before a write', async () => {
  const review = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
  const spec = { resourceAttributes: { verb: 'get', resource: 'pods' } };
  const name = 'unacceptable';
  const asked: readonly (readonly [string, string, object | undefined, string])[] = [
    ['POST', review, { spec }, TABLE],
    ['GET', CONFIG_MAPS, undefined, PARTIAL],
    ['GET', `${CONFIG_MAPS}/ws1`, undefined, PARTIAL_LIST],
    ['POST', CONFIG_MAPS, configMap(name), PARTIAL_LIST],
    ['GET', `${CONFIG_MAPS}?watch=1`, undefined, 'application/yaml'],
  ];
  for (const [method, path, body, accept] of asked) {
    const { code, json } = await call(base, admin, method, path, body, { accept });
    assert.equal(code, 406, `${method} ${path}`);
    assert.equal(json['reason'], 'NotAcceptable');
  }
  assert.equal((await call(base, admin, 'GET', `${CONFIG_MAPS}/${name}`)).code, 404);
});

test('a collection is deleted piece by piece where there is a limit, and shown as was asked', async () => {
  for (const name of ['d1', 'd2', 'd3']) {
    const metadata = { name, labels: { test: 'pieces' } };
    await call(base, admin, 'POST', CONFIG_MAPS, configMap(name, { metadata }));
  }
  const selected = `${CONFIG_MAPS}?labelSelector=test%3Dpieces`;
  const first = await call(base, admin, 'DELETE', `${selected}&limit=2`);
  const { items, metadata } = first.json as {
    items: { kind?: string; metadata: { name: string } }[];
    metadata: { continue: string };
  };
  assert.deepEqual(
    items.map(({ kind, metadata: { name } }) => [kind, name]),
    [
      [undefined, 'd1'],
      [undefined, 'd2'],
    ],
  );
  const rest = `${selected}&continue=${metadata.continue}`;
  const { json } = await call(base, admin, 'DELETE', rest, undefined, { accept: TABLE });
  const rows = json['rows'] as { cells: unknown[] }[];
  assert.deepEqual(
    rows.map(({ cells }) => cells[0]),
    ['d3'],
  );
});

test('answers are laid out for people, where people ask', async () => {
  const path = `${CONFIG_MAPS}/ws1`;
  const lines = async (query: string, agent: string): Promise<number> => {
    const { text } = await call(base, admin, 'GET', `${path}${query}`, undefined, {
      'user-agent': agent,
    });
    return text.split('\n').length;
  };
  assert.ok((await lines('', 'curl/8.5.0')) > 10);
  assert.ok((await lines('?pretty=true', 'kubectl')) > 10);
  assert.equal(await lines('?pretty=false', 'curl/8.5.0'), 2);
  assert.equal(await lines('', 'kubectl'), 2);
});

test('a deprecated version of a custom kind is served with a warning', async () => {
  const schema = { openAPIV3Schema: { type: 'object' } };
  const definition = {
    metadata: { name: 'olds.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'olds', kind: 'Old' },
      versions: [
        { name: 'v1', served: true, storage: true, schema },
        { name: 'v1beta1', served: true, storage: false, deprecated: true, schema },
      ],
    },
  };
  const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  assert.equal((await call(base, admin, 'POST', crds, definition)).code, 201);
  const list = (version: string): ReturnType<typeof call> =>
    call(base, admin, 'GET', `/apis/example.com/${version}/namespaces/default/olds`);
  assert.equal(
    (await list('v1beta1')).headers['warning'],
    '299 - "example.com/v1beta1 Old is deprecated; use example.com/v1 Old"',
  );
  assert.equal((await list('v1')).headers['warning'], undefined);
});
