import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseRequestInfo } from './request-info.ts';

/** method, URL, and verb, group, version, resource, namespace, name, subresource; undefined: not of the API. */
const rows: readonly (readonly [string, string, readonly string[] | undefined])[] = [
  ['GET', '/api/v1/pods', ['list', '', 'v1', 'pods', '', '', '']],
  ['GET', '/api/v1/pods?watch=true', ['watch', '', 'v1', 'pods', '', '', '']],
  ['GET', '/api/v1/pods?watch=1', ['watch', '', 'v1', 'pods', '', '', '']],
  ['GET', '/api/v1/pods?watch=false', ['list', '', 'v1', 'pods', '', '', '']],
  ['GET', '/api/v1/namespaces/a/pods/b', ['get', '', 'v1', 'pods', 'a', 'b', '']],
  ['HEAD', '/api/v1/namespaces/a/pods/b', ['get', '', 'v1', 'pods', 'a', 'b', '']],
  ['GET', '/api/v1/namespaces/a/pods/b/log', ['get', '', 'v1', 'pods', 'a', 'b', 'log']],
  ['GET', '/api/v1/namespaces', ['list', '', 'v1', 'namespaces', '', '', '']],
  ['GET', '/api/v1/namespaces/a', ['get', '', 'v1', 'namespaces', 'a', 'a', '']],
  [
    'PUT',
    '/api/v1/namespaces/a/finalize',
    ['update', '', 'v1', 'namespaces', 'a', 'a', 'finalize'],
  ],
  ['PATCH', '/api/v1/namespaces/a/status', ['patch', '', 'v1', 'namespaces', 'a', 'a', 'status']],
  ['DELETE', '/api/v1/namespaces/a', ['delete', '', 'v1', 'namespaces', 'a', 'a', '']],
  [
    'POST',
    '/apis/apps/v1/namespaces/a/deployments',
    ['create', 'apps', 'v1', 'deployments', 'a', '', ''],
  ],
  [
    'DELETE',
    '/apis/apps/v1/namespaces/a/deployments',
    ['deletecollection', 'apps', 'v1', 'deployments', 'a', '', ''],
  ],
  [
    'PATCH',
    '/apis/apps/v1/namespaces/a/deployments/d/scale',
    ['patch', 'apps', 'v1', 'deployments', 'a', 'd', 'scale'],
  ],
  ['GET', '/api/v1/nodes/n', ['get', '', 'v1', 'nodes', '', 'n', '']],
  ['GET', '/api/v1/watch/pods', ['watch', '', 'v1', 'pods', '', '', '']],
  ['GET', '/api/v1/watch/namespaces/a/pods/b', ['watch', '', 'v1', 'pods', 'a', 'b', '']],
  ['GET', '/api/v1/nodes/n/proxy/a/b', ['get', '', 'v1', 'nodes', '', 'n', 'proxy']],
  ['GET', '/api/v1/namespaces/a/pods/b%20c', ['get', '', 'v1', 'pods', 'a', 'b c', '']],
  ['GET', '/api/v1/pods/', ['list', '', 'v1', 'pods', '', '', '']],
  ['OPTIONS', '/api/v1/pods', ['options', '', 'v1', 'pods', '', '', '']],
  ['GET', '/api', undefined],
  ['GET', '/api/v1', undefined],
  ['GET', '/apis/apps', undefined],
  ['GET', '/apis/apps/v1', undefined],
  ['GET', '/healthz', undefined],
  ['GET', '/', undefined],
];

for (const [method, url, expected] of rows) {
  test(`parseRequestInfo() reads ${method} ${url}`, () => {
    const info = parseRequestInfo(method, url);
    assert.equal(info.isResourceRequest, expected !== undefined);
    if (expected === undefined) {
      assert.equal(info.verb, method.toLowerCase());
      return;
    }
    const { verb, group, version, resource, namespace, name, subresource } = info;
    assert.deepEqual([verb, group, version, resource, namespace, name, subresource], expected);
  });
}

test('parseRequestInfo() throws for a path that is no percent-encoding', () => {
  assert.throws(() => parseRequestInfo('GET', '/api/v1/pods/%zz'), URIError);
});
