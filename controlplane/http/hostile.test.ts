// What no decent client sends, over real TLS: each must be answered with a Status of the right code, soon, without a word
// about our insides or a Secret's value; and the server must be as well afterwards as before.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import type { Logger } from '#platform/logging.ts';

import { credentialsOf, startTestPlane } from '../control-plane-fixture.ts';
import type { TestPlane } from '../control-plane-fixture.ts';

import { assertStatus, envelope, field, head, rawClient } from './raw-client-fixture.ts';
import type { RawClient } from './raw-client-fixture.ts';

let fixture: TestPlane;
let exchange: RawClient['exchange'];
let send: RawClient['send'];
const logged: string[] = [];

before(async () => {
  const record = (message: string, fields?: unknown): void => {
    logged.push(`${message} ${JSON.stringify(fields)}`);
  };
  const logger: Logger = {
    error: record,
    warn: record,
    info: record,
    debug: () => undefined,
    child: () => logger,
  };
  fixture = await startTestPlane({ logger });
  const credentials = await credentialsOf(fixture.plane.adminKubeconfig);
  ({ exchange, send } = rawClient(fixture.plane.port, credentials));
});
after(() => fixture.close());

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const SECRETS = '/api/v1/namespaces/default/secrets';
const PODS = '/api/v1/namespaces/default/pods';

const JSON_TYPE = 'application/json';
const YAML = 'application/yaml';
const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const JSON_PATCH = 'application/json-patch+json';
const MERGE_PATCH = 'application/merge-patch+json';
const STRATEGIC_PATCH = 'application/strategic-merge-patch+json';

test('a request that is no HTTP is answered with a Status', async () => {
  const table: readonly (readonly [what: string, request: string, code: number])[] = [
    ['bytes', '\x00\x01\x02 foo\r\n\r\n', 400],
    ['unknown method', 'FOO / HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    ['HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    [
      'a negative length',
      `POST ${CONFIG_MAPS} HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n`,
      400,
    ],
    [
      'two lengths',
      `POST ${CONFIG_MAPS} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['headers of 100 kB', `GET / HTTP/1.1\r\nhost: x\r\na: ${'a'.repeat(100_000)}\r\n\r\n`, 431],
    [
      'another host',
      'GET https://elsewhere/version HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
      404,
    ],
    ['OPTIONS *', 'OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', 404],
    [
      'an upgrade to SPDY for a Pod that is not there',
      `POST ${PODS}/x/exec HTTP/1.1\r\nhost: x\r\nupgrade: SPDY/3.1\r\nconnection: upgrade\r\ncontent-length: 0\r\n\r\n`,
      404,
    ],
    [
      'an upgrade of what is no stream',
      `POST ${PODS}/x/status HTTP/1.1\r\nhost: x\r\nupgrade: SPDY/3.1\r\nconnection: upgrade\r\ncontent-length: 0\r\n\r\n`,
      400,
    ],
    [
      'a stream without an upgrade',
      `POST ${PODS}/x/exec?command=ls HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
      400,
    ],
  ];
  for (const [what, request, code] of table) assertStatus(await exchange(request), code, what);
});

test('a body above the limit is refused and the refusal arrives, however it is sent', async () => {
  const megabyte = Buffer.alloc(1024 * 1024, 0x78);
  const announced = head('POST', CONFIG_MAPS, { 'content-length': String(8 * megabyte.length) });
  assertStatus(await exchange(announced, ...Array(8).fill(megabyte)), 413, 'announced');
  const chunk = Buffer.concat([Buffer.from('100000\r\n'), megabyte, Buffer.from('\r\n')]);
  const chunked = head('POST', CONFIG_MAPS, { 'transfer-encoding': 'chunked' });
  const parts = [...Array(8).fill(chunk), '0\r\n\r\n'] as (string | Buffer)[];
  assertStatus(await exchange(chunked, ...parts), 413, 'chunked');
});

test('paths and queries are checked', async () => {
  const token = (value: unknown): string =>
    Buffer.from(JSON.stringify(value)).toString('base64url');
  const table: readonly (readonly [path: string, code: number])[] = [
    ['/api/v1/%zz', 400],
    [`${CONFIG_MAPS}/..`, 400],
    [`${CONFIG_MAPS}/a%2Fb`, 400],
    [`${CONFIG_MAPS}/a%25b`, 400],
    [`${CONFIG_MAPS}/%00`, 404],
    ['/api/v1/namespaces/default%2Fkube-system/secrets', 400],
    ['/api/v1/namespaces/../secrets', 400],
    ['/../../etc/passwd', 404],
    ['/__proto__', 404],
    ['/constructor', 404],
    ['/api/v1/__proto__', 404],
    ['/apis/constructor/v1/toString', 404],
    ['/openapi/v3/apis/constructor/v1?hash=x', 404],
    ['/readyz/__proto__', 404],
    [`${CONFIG_MAPS}/constructor`, 404],
    [`${CONFIG_MAPS}/x/constructor`, 404],
    [`${CONFIG_MAPS}/${'a'.repeat(50_000)}`, 404],
    [`/api/v1/${'a/'.repeat(10_000)}`, 404],
    ['/api/v1/nodes?limit=-x', 400],
    ['/api/v1/nodes?limit=1e9', 400],
    ['/api/v1/nodes?limit=99999999999999999999', 400],
    ['/api/v1/nodes?resourceVersion=1e309', 400],
    ['/api/v1/nodes?resourceVersion=-1', 400],
    ['/api/v1/nodes?resourceVersionMatch=__proto__&resourceVersion=1', 422],
    ['/api/v1/nodes?continue=AAAA', 400],
    [`/api/v1/nodes?continue=${token(null)}`, 400],
    [`/api/v1/nodes?continue=${token({ v: 'meta.k8s.io/v1', rv: 1e308, start: 'x' })}`, 400],
    [`/api/v1/nodes?continue=${token({ v: 'meta.k8s.io/v1', rv: 1, start: '../x' })}`, 400],
    [`/api/v1/nodes?labelSelector=${'a,'.repeat(25_000)}`, 400],
    [`/api/v1/nodes?labelSelector=${'('.repeat(50_000)}`, 400],
    [`/api/v1/nodes?labelSelector=a%3E${'9'.repeat(50_000)}`, 400],
    ['/api/v1/nodes?labelSelector=__proto__', 400],
    ['/api/v1/nodes?fieldSelector=constructor=x', 400],
    ['/api/v1/nodes?fieldSelector=__proto__=x', 400],
    ['/api/v1/nodes?watch=1&timeoutSeconds=-1', 400],
    ['/api/v1/nodes?watch=1&sendInitialEvents=true', 422],
    ['/api/v1/nodes?timeout=-1s', 400],
    [`/api/v1/nodes?timeout=${'9'.repeat(50_000)}`, 400],
  ];
  for (const [path, code] of table) {
    assertStatus(await exchange(head('GET', path, {})), code, path.slice(0, 120));
  }
  // As upstream: less than nothing is no limit.
  assert.equal((await exchange(head('GET', '/api/v1/nodes?limit=-1', {}))).code, 200);
});

test('headers are checked', async () => {
  const table: readonly (readonly [headers: Readonly<Record<string, string>>, code: number])[] = [
    [{ accept: 'constructor' }, 406],
    [{ accept: '__proto__/constructor' }, 406],
    [{ accept: ';;;;,,,,' }, 406],
    [{ accept: 'application/json;as=__proto__;g=meta.k8s.io;v=v1' }, 406],
    [{ accept: 'application/json;as=Table;g=meta.k8s.io;v=v9' }, 406],
    [{ 'impersonate-user': 'somebody' }, 403],
    [{ 'impersonate-group': 'some' }, 400],
    [{ 'impersonate-user': 'a', 'impersonate-extra-%ff': 'b' }, 403],
    [{ 'impersonate-user': 'a', 'impersonate-extra-__proto__': 'b' }, 403],
  ];
  for (const [headers, code] of table) {
    assertStatus(
      await exchange(head('GET', '/api/v1/nodes', headers)),
      code,
      JSON.stringify(headers),
    );
  }
});

const named = (name: unknown): string => JSON.stringify({ metadata: { name } });

test('bodies are checked, whatever they are written in', async () => {
  const bomb = `a: &a [${'x,'.repeat(9)}x]\n${Array.from(
    'bcdefghi',
    (letter, index) =>
      `${letter}: &${letter} [${Array(9)
        .fill(`*${'abcdefgh'.charAt(index)}`)
        .join(',')}]`,
  ).join('\n')}`;
  const table: readonly (readonly [type: string, body: string | Buffer, code: number])[] = [
    [JSON_TYPE, '', 400],
    [JSON_TYPE, 'null', 400],
    [JSON_TYPE, '"x"', 400],
    [JSON_TYPE, '[]', 400],
    [JSON_TYPE, '['.repeat(1_500_000), 400],
    [JSON_TYPE, `${'{"a":'.repeat(300_000)}1${'}'.repeat(300_000)}`, 400],
    [
      JSON_TYPE,
      `{"metadata":{"name":"a"},"data":{"x":${'['.repeat(9999)}${']'.repeat(9999)}}}`,
      400,
    ],
    [JSON_TYPE, Buffer.from(named('x'), 'utf16le'), 400],
    [JSON_TYPE, named('..'), 422],
    [JSON_TYPE, named('a\0b'), 422],
    [JSON_TYPE, named('a'.repeat(1024 * 1024)), 422],
    [JSON_TYPE, named({}), 400],
    [JSON_TYPE, JSON.stringify({ metadata: { generateName: 'x'.repeat(1024 * 1024) } }), 422],
    [JSON_TYPE, '{"metadata":{"name":"a","generation":1e400}}', 400],
    [JSON_TYPE, '{"metadata":{"name":"a","labels":{"__proto__":"x"}}}', 422],
    [JSON_TYPE, '{"metadata":{"name":"a","creationTimestamp":"constructor"}}', 400],
    [JSON_TYPE, '{"apiVersion":"__proto__","kind":"constructor","metadata":{"name":"a"}}', 400],
    [JSON_TYPE, '{"apiVersion":{},"kind":[],"metadata":{"name":"a"}}', 400],
    ['__proto__', '{}', 415],
    ['constructor', '{}', 415],
    [YAML, bomb, 400],
    [YAML, 'a: &a\n  b: *a\n', 400],
    [YAML, '['.repeat(100_000), 400],
    [YAML, '['.repeat(1_000_000), 413],
    [YAML, '\n'.repeat(3_000_000), 413],
    [YAML, `[${'a: b,'.repeat(300_000)}]`, 413],
    [YAML, 'a: 1\n---\nb: 2\n', 400],
    [YAML, '!!js/function "x"', 400],
    [PROTOBUF, '', 400],
    [PROTOBUF, 'hello', 400],
    [PROTOBUF, Buffer.from('6b387300ffffffffffffffffffff', 'hex'), 400],
    [PROTOBUF, envelope('v1', 'ConfigMap', Buffer.from('0a10', 'hex')), 400],
    [PROTOBUF, envelope('v1', 'ConfigMap', Buffer.from('0affffffff0f', 'hex')), 400],
    [PROTOBUF, envelope('v1', 'ConfigMap', recursive(3000)), 422],
    [PROTOBUF, envelope('v1', 'constructor', Buffer.alloc(3)), 415],
    [PROTOBUF, envelope('__proto__', '__proto__', Buffer.alloc(3)), 415],
  ];
  for (const [type, body, code] of table) {
    const what = `${type} ${typeof body === 'string' ? body.slice(0, 80) : 'bytes'}`;
    assertStatus(await send('POST', CONFIG_MAPS, body, type), code, what);
  }
});

function recursive(depth: number): Buffer {
  let bytes: Buffer = Buffer.alloc(0);
  for (let level = 0; level < depth; level += 1) bytes = field(1, bytes);
  return bytes;
}

test('names of Object.prototype are names like any other', async () => {
  const data = { constructor: '1', hasOwnProperty: '2', toString: '3', valueOf: '4' };
  const body = `{"metadata":{"name":"constructor","labels":{"constructor":"x"}},"__proto__":{"polluted":true},"data":${JSON.stringify(data)}}`;
  assert.equal((await send('POST', CONFIG_MAPS, body, JSON_TYPE)).code, 201);
  const { text } = await exchange(head('GET', `${CONFIG_MAPS}/constructor`, {}));
  const stored = JSON.parse(text) as { data: unknown; polluted?: unknown };
  assert.deepEqual(stored.data, data);
  assert.equal(Object.hasOwn(stored, '__proto__'), false);
  const patch = '[{"op":"add","path":"/data/__proto__","value":"x"}]';
  const patched = await send('PATCH', `${CONFIG_MAPS}/constructor`, patch, JSON_PATCH);
  assert.match(patched.text, /"__proto__":"x"/);
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
});

test('patches of the wrong shape are refused', async () => {
  assert.equal((await send('POST', CONFIG_MAPS, named('patched'), JSON_TYPE)).code, 201);
  const pod = { metadata: { name: 'patched' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  assert.equal((await send('POST', PODS, JSON.stringify(pod), JSON_TYPE)).code, 201);
  const doubling = [
    { op: 'add', path: '/z', value: {} },
    ...Array.from({ length: 40 }, (_, index) => ({ op: 'copy', from: '/z', path: `/z/${index}` })),
  ];
  const many = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/kind', value: 'x' }));
  const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`;
  const table: readonly (readonly [path: string, type: string, body: string, code: number])[] = [
    [CONFIG_MAPS, JSON_PATCH, '', 400],
    [CONFIG_MAPS, JSON_PATCH, '{}', 400],
    [CONFIG_MAPS, JSON_PATCH, '[null]', 400],
    [CONFIG_MAPS, JSON_PATCH, '[{"op":"__proto__"}]', 422],
    [CONFIG_MAPS, JSON_PATCH, '[{"op":"add","path":"/__proto__/x","value":1}]', 422],
    [CONFIG_MAPS, JSON_PATCH, '[{"op":"add","path":"/constructor/prototype/x","value":1}]', 422],
    [CONFIG_MAPS, JSON_PATCH, '[{"op":"remove","path":""}]', 400],
    [CONFIG_MAPS, JSON_PATCH, '[{"op":"replace","path":"/kind","value":"Pod"}]', 400],
    [CONFIG_MAPS, JSON_PATCH, JSON.stringify(many), 413],
    [CONFIG_MAPS, JSON_PATCH, JSON.stringify(doubling), 413],
    [CONFIG_MAPS, MERGE_PATCH, 'null', 400],
    [CONFIG_MAPS, MERGE_PATCH, '[]', 400],
    [CONFIG_MAPS, MERGE_PATCH, deep, 400],
    [CONFIG_MAPS, MERGE_PATCH, '{"metadata":{"resourceVersion":1}}', 400],
    [CONFIG_MAPS, MERGE_PATCH, '{"metadata":{"resourceVersion":"zz"}}', 400],
    [CONFIG_MAPS, MERGE_PATCH, '{"metadata":{"uid":"zz"}}', 409],
    [CONFIG_MAPS, MERGE_PATCH, '{"metadata":{"name":"other"}}', 400],
    [CONFIG_MAPS, MERGE_PATCH, '{"data":{"a":{"b":1}}}', 400],
    [CONFIG_MAPS, 'application/apply-patch+cbor', '{}', 415],
    [CONFIG_MAPS, 'application/apply-patch+yaml', '{}', 422],
    [CONFIG_MAPS, 'constructor', '{}', 415],
    [PODS, STRATEGIC_PATCH, '[]', 400],
    [PODS, STRATEGIC_PATCH, deep, 400],
    [PODS, STRATEGIC_PATCH, '{"$patch":"x"}', 400],
    [PODS, STRATEGIC_PATCH, '{"spec":{"containers":[{"image":"x"}]}}', 422],
    [PODS, STRATEGIC_PATCH, '{"spec":{"containers":{"name":"x"}}}', 400],
    [PODS, STRATEGIC_PATCH, '{"spec":{"containers":[null]}}', 422],
    [PODS, STRATEGIC_PATCH, '{"spec":{"$setElementOrder/containers":1}}', 400],
    [PODS, STRATEGIC_PATCH, '{"spec":{"$retainKeys":1}}', 400],
    [PODS, STRATEGIC_PATCH, '{"spec":{"containers":[{"name":{"a":1},"image":"x"}]}}', 400],
    [PODS, STRATEGIC_PATCH, '{"status":{"phase":1}}', 400],
  ];
  for (const [collection, type, body, code] of table) {
    const heard = await send('PATCH', `${collection}/patched`, body, type);
    assertStatus(heard, code, `${type} ${body.slice(0, 80)}`);
  }
  for (const query of ['force=true', 'dryRun=x', 'fieldValidation=__proto__', 'fieldManager=%00']) {
    const heard = await send('PATCH', `${CONFIG_MAPS}/patched?${query}`, '{}', MERGE_PATCH);
    assertStatus(heard, 422, query);
  }
});

test('delete options are checked; a grace of ages does not leave the calendar', async () => {
  const table: readonly (readonly [body: string, code: number])[] = [
    ['null', 400],
    ['[]', 400],
    ['{"a":'.repeat(100_000), 400],
    ['{"gracePeriodSeconds":"x"}', 400],
    ['{"gracePeriodSeconds":1e400}', 400],
    ['{"preconditions":1}', 400],
    ['{"preconditions":{"uid":1}}', 400],
    ['{"dryRun":"All"}', 400],
    ['{"propagationPolicy":"__proto__"}', 422],
    ['{"orphanDependents":true,"propagationPolicy":"Orphan"}', 422],
  ];
  for (const [body, code] of table) {
    assertStatus(await send('DELETE', `${PODS}/none`, body, JSON_TYPE), code, body.slice(0, 80));
  }
  const pod = {
    metadata: { name: 'patient' },
    spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] },
  };
  assert.equal((await send('POST', PODS, JSON.stringify(pod), JSON_TYPE)).code, 201);
  for (const seconds of [Number.MAX_SAFE_INTEGER, 3600, -9]) {
    const body = JSON.stringify({ gracePeriodSeconds: seconds });
    assert.equal((await send('DELETE', `${PODS}/patient`, body, JSON_TYPE)).code, 200);
  }
});

test('what is refused and announced no body leaves its connection to the next request', async () => {
  const keep = { connection: 'keep-alive' };
  const { code, text } = await exchange(
    head('GET', `${CONFIG_MAPS}/none`, keep),
    head('DELETE', `${CONFIG_MAPS}/none`, keep),
    head('POST', CONFIG_MAPS, { ...keep, 'content-length': '0' }),
    head('GET', '/version', {}),
  );
  assert.equal(code, 404);
  assert.deepEqual(text.match(/(?<=HTTP\/1\.1 )\d+/g), ['404', '400', '200'], text);
});

test('an answer about a Secret does not quote it', async () => {
  const table: readonly (readonly [type: string, body: string, code: number])[] = [
    [JSON_TYPE, '{"metadata":{"name":"s"},"data":{"a":hunter2', 400],
    [JSON_TYPE, '{"metadata":{"name":"s"},"data":{"a":"!hunter2!"}}', 400],
    [JSON_TYPE, '{"metadata":{"name":"s"},"data":{"a":{"hunter2":1}}}', 400],
    [JSON_TYPE, '{"metadata":{"name":"s"},"stringData":{"a":["hunter2"]}}', 400],
    [YAML, 'data: {a: "hunter2\n bad: [', 400],
    [YAML, 'data:\n  a: hunter2: hunter2\n', 400],
    [JSON_TYPE, '{"metadata":{"name":"s"},"immutable":"hunter2"}', 400],
  ];
  for (const [type, body, code] of table) {
    const heard = await send('POST', SECRETS, body, type);
    assertStatus(heard, code, body);
    assert.doesNotMatch(heard.text, /hunter2/, body);
  }
});

test('after all this the server is well and its log is clean', async () => {
  assert.equal((await exchange(head('GET', '/readyz', {}))).text, 'ok');
  assert.deepEqual(
    logged.filter((line) => /unexpected|hunter2/i.test(line)),
    [],
  );
});
