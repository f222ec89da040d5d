import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ingressAddress, portOfWarning } from './ingress-address.ts';

test('ingressAddress() is what a person types', () => {
  assert.equal(ingressAddress({ port: 8080 }), 'http://127.0.0.1:8080');
  assert.equal(
    ingressAddress({ port: 443, protocol: 'HTTPS', host: 'a.example.com', path: '/api' }),
    'https://a.example.com:443/api',
  );
  assert.equal(ingressAddress({ port: 53, protocol: 'UDP' }), '127.0.0.1:53 (UDP)');
});

test('portOfWarning() finds the port in the words of the ingress', () => {
  assert.equal(portOfWarning('port 80 of 127.0.0.1 is in use by another program'), 80);
  assert.equal(portOfWarning('UDP port 53 of 127.0.0.1 is for privileged programs'), 53);
  assert.equal(portOfWarning('spec.ingress HTTPS 443 a.example.com: host a.example.com …'), 443);
  assert.equal(portOfWarning('Secret default/own does not exist'), undefined);
});
