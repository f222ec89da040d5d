import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveSpec } from './resolve-spec.ts';

const container = { image: 'ghcr.io/acme/my_api:1.2' };

test('fills in a name, one instance and the pull policy', () => {
  const resolved = resolveSpec({ container }, { clusterDomain: undefined, random: 'k3x9' });
  assert.deepEqual(resolved, {
    container: { ...container, pullPolicy: 'missing' },
    name: 'my-api-k3x9',
    mode: 'replicated',
    replicas: 1,
    ports: [],
  });
});

test('makes names under the domain of the cluster, each once', () => {
  const ports = [
    '80/http',
    'a.com:443:80/https',
    'x.c.org:80',
    '443:80/https',
    '8080:80@host',
    '53/udp',
  ];
  const spec = { name: 'web', container, ports };
  assert.deepEqual(resolveSpec(spec, { clusterDomain: 'c.org', random: '' }).ports, [
    'web.c.org:80/http',
    'a.com:443:80/https',
    'x.c.org:80',
    'web.c.org:443:80/https',
    '8080:80@host',
    '53/udp',
  ]);
  assert.deepEqual(resolveSpec(spec, { clusterDomain: undefined, random: '' }).ports, ports);
  assert.throws(() => resolveSpec(spec, { clusterDomain: '', random: '' }), /must be reserved/);
});
