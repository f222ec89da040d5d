import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';

import { ApiError } from '../api/errors.ts';
import { RequestContext } from './context.ts';
import { parseDeleteRequest } from './delete-options.ts';
import { integerParameter, listRevisionOf, parseRevision, watchStartOf } from './list-options.ts';
import { parseRequestInfo } from './request-info.ts';
import { writeContextOf } from './write-options.ts';

function contextOf(query: string, headers: Readonly<Record<string, string>> = {}): RequestContext {
  const info = parseRequestInfo('POST', `/api/v1/namespaces/default/pods${query}`);
  const request = { headers } as unknown as IncomingMessage;
  return new RequestContext(request, {} as ServerResponse, info, 'id', 0, 60_000);
}

function failure(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof ApiError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'no error';
}

test('writeContextOf() reads what kubectl sends and falls back to upstream defaults', () => {
  const write = writeContextOf(
    contextOf('?fieldManager=kubectl-create&fieldValidation=Strict&dryRun=All'),
    'CreateOptions',
  );
  assert.deepEqual(
    [write.fieldManager, write.fieldValidation, write.dryRun],
    ['kubectl-create', 'Strict', true],
  );
  const plain = writeContextOf(contextOf('', { 'user-agent': 'curl/8.0' }), 'CreateOptions');
  assert.deepEqual(
    [plain.fieldManager, plain.fieldValidation, plain.dryRun],
    ['curl', 'Warn', false],
  );
});

const writeErrors: readonly (readonly [string, RegExp])[] = [
  ['?dryRun=Some', /^422 CreateOptions\.meta\.k8s\.io "" is invalid: dryRun: Unsupported value/],
  ['?fieldValidation=Maybe', /^422 .*fieldValidation: Unsupported value: "Maybe"/],
  [`?fieldManager=${'x'.repeat(129)}`, /^422 .*fieldManager: Too long/],
  ['?fieldManager=a%07b', /^422 .*fieldManager: Invalid value/],
];
for (const [query, expected] of writeErrors) {
  test(`writeContextOf() refuses ${query.slice(0, 30)}`, () => {
    assert.match(
      failure(() => writeContextOf(contextOf(query), 'CreateOptions')),
      expected,
    );
  });
}

for (const text of ['-1', '1e3', '99999999999999999999']) {
  test(`parseRevision() refuses ${text}`, () => {
    assert.match(
      failure(() => parseRevision(text)),
      /^400 invalid resource version: resourceVersion: Invalid value: ".+": strconv.ParseUint/,
    );
  });
}

const listErrors: readonly (readonly [string, RegExp])[] = [
  ['resourceVersionMatch=Exact', /Forbidden: resourceVersionMatch is forbidden unless/],
  ['resourceVersion=1&resourceVersionMatch=Maybe', /Unsupported value: "Maybe"/],
  ['resourceVersion=0&resourceVersionMatch=Exact', /forbidden for resourceVersion "0"/],
  ['resourceVersion=1&resourceVersionMatch=Exact&continue=x', /when continue is provided/],
  ['sendInitialEvents=true', /sendInitialEvents is forbidden for list/],
];
for (const [query, expected] of listErrors) {
  test(`listRevisionOf() refuses ${query}`, () => {
    const text = failure(() => listRevisionOf(new URLSearchParams(query)));
    assert.match(text, /^422 ListOptions\.meta\.k8s\.io "" is invalid/);
    assert.match(text, expected);
  });
}

test('watchStartOf() says what does not go together, in the words of upstream', () => {
  const refusals: readonly (readonly [string, RegExp])[] = [
    ['sendInitialEvents=true', /sendInitialEvents requires setting resourceVersionMatch to NotOl/],
    ['resourceVersionMatch=NotOlderThan', /forbidden for watch unless sendInitialEvents is prov/],
    [
      'sendInitialEvents=true&resourceVersionMatch=Exact',
      /Unsupported value: "Exact": supported values: "NotOlderThan"/,
    ],
    [
      'sendInitialEvents=1&resourceVersionMatch=NotOlderThan&continue=x',
      /resourceVersionMatch is forbidden when continue is provided/,
    ],
  ];
  for (const [query, text] of refusals) {
    assert.match(
      failure(() => watchStartOf(new URLSearchParams(query))),
      text,
      query,
    );
  }
  const start = (query: string): unknown => watchStartOf(new URLSearchParams(query));
  assert.deepEqual(start('resourceVersion=7'), { revision: 7, sendInitialEvents: undefined });
  assert.deepEqual(start('sendInitialEvents=false&resourceVersionMatch=NotOlderThan'), {
    revision: undefined,
    sendInitialEvents: false,
  });
});

test('integerParameter() names the parameter that is no number', () => {
  assert.equal(integerParameter(new URLSearchParams('limit=5'), 'limit'), 5);
  assert.equal(integerParameter(new URLSearchParams(''), 'limit'), undefined);
  for (const value of ['-1', 'x', '1.5', ' 1', '1e2']) {
    assert.match(
      failure(() => integerParameter(new URLSearchParams({ limit: value }), 'limit')),
      /^400 .*limit/,
    );
  }
});

test('parseDeleteRequest() takes options from a body without kind, or from the query', () => {
  const body = Buffer.from(
    '{"propagationPolicy":"Foreground","gracePeriodSeconds":-5,"preconditions":{"uid":"u"},"dryRun":["All"]}',
  );
  const fromBody = parseDeleteRequest(contextOf('', { 'content-type': 'application/json' }), body);
  assert.deepEqual(fromBody.options, {
    gracePeriodSeconds: 1,
    propagationPolicy: 'Foreground',
    preconditions: { uid: 'u' },
  });
  assert.ok(fromBody.write.dryRun);

  const fromQuery = parseDeleteRequest(
    contextOf('?gracePeriodSeconds=0&propagationPolicy=Orphan'),
    Buffer.alloc(0),
  );
  assert.deepEqual(fromQuery.options, { gracePeriodSeconds: 0, propagationPolicy: 'Orphan' });
  const old = parseDeleteRequest(contextOf('?orphanDependents=true'), Buffer.alloc(0));
  assert.deepEqual(old.options, { propagationPolicy: 'Orphan' });
});

for (const [body, expected] of [
  ['[]', /^400 .*not an object/],
  ['{', /^400 DeleteOptions in version "v1"/],
  ['{"gracePeriodSeconds":"x"}', /^400 .*gracePeriodSeconds/],
  ['{"propagationPolicy":"Sideways"}', /^422 .*propagationPolicy: Unsupported value/],
  ['{"propagationPolicy":"Orphan","orphanDependents":true}', /^422 .*cannot be both set/],
  ['{"dryRun":["Some"]}', /^422 .*dryRun/],
  ['{"dryRun":"All"}', /^400 .*dryRun/],
  ['{"preconditions":{"uid":1}}', /^400 .*preconditions\.uid/],
] as const) {
  test(`parseDeleteRequest() refuses ${body}`, () => {
    assert.match(
      failure(() => parseDeleteRequest(contextOf(''), Buffer.from(body))),
      expected,
    );
  });
}
