import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { knownClients } from './known-clients.ts';

test('knownClients() are this machine and its containers', () => {
  const isKnown = knownClients(['172.17.0.0/16']);
  for (const address of ['127.0.0.1', '127.64.0.9', '172.17.0.2', '172.17.255.254'])
    assert.equal(isKnown(address), true, address);
  for (const address of ['172.18.0.2', '192.0.2.1', '203.0.113.7', undefined])
    assert.equal(isKnown(address), false, String(address));
  for (const addresses of Object.values(networkInterfaces()))
    for (const { address } of addresses ?? []) assert.equal(isKnown(address), true, address);
});
