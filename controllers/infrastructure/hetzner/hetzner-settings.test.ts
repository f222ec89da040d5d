import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidRequest } from '../errors.ts';
import { request } from '../infrastructure-fixture.ts';
import { HetznerError, isPassing, retryDelayMs } from './hetzner-error.ts';
import { bootSource, filledIn, hetznerSettings, serverName } from './hetzner-settings.ts';

test('hetzner: back-off doubles up to ten seconds [ksail-040]', () => {
  assert.deepEqual([1, 2, 3, 4, 10].map(retryDelayMs), [2_000, 4_000, 8_000, 10_000, 10_000]);
});

test('hetzner: which refusals may pass [ksail-041]', () => {
  for (const code of [
    'resource_unavailable',
    'conflict',
    'rate_limit_exceeded',
    'locked',
    'placement_error',
    'timeout',
    'maintenance',
    'robot_unavailable',
    'service_error',
    'server_error',
  ])
    assert.equal(isPassing(new HetznerError(code, '')), true, code);
  for (const code of ['resource_limit_exceeded', 'invalid_input', 'forbidden', 'unauthorized'])
    assert.equal(isPassing(new HetznerError(code, '')), false, code);
  for (const other of [undefined, null, new Error('x')]) assert.equal(isPassing(other), false);
});

test('hetzner: exactly one thing to boot from [ksail-029]', () => {
  const boot = (settings: Readonly<Record<string, string>>): unknown =>
    bootSource(hetznerSettings(settings), request('dev', 1));
  assert.throws(() => boot({}), InvalidRequest);
  assert.throws(() => boot({ image: 'a', iso: 'b' }), /exactly one of .* found image and iso/);
  assert.throws(() => boot({ imageID: 'x' }), /imageID/);
  assert.deepEqual(boot({ imageID: '7' }), { imageID: 7 });
  assert.deepEqual(boot({ image: 'a' }), { image: 'a' });
});

test('hetzner: names end at 63 characters [ksail-028]', () => {
  assert.equal(serverName('a'.repeat(63)).length, 63);
  assert.throws(() => serverName('a'.repeat(64)), /64 characters, 63 are the most/);
});

test('hetzner: settings that cannot be are named', () => {
  for (const [settings, message] of [
    [{ typo: 'x' }, /settings\.typo: no such setting/],
    [{ placementGroup: 'yes' }, /settings\.placementGroup: "yes"/],
    [{ firewallRules: '{}' }, /settings\.firewallRules/],
    [{ shutdownGraceSeconds: '-1' }, /settings\.shutdownGraceSeconds/],
  ] as const)
    assert.throws(() => hetznerSettings(settings), message);
});

test('hetzner: userData says what a node is handed, and keeps its own words', () => {
  const environment = { WINDLASS_TOKEN: 'a.b', WINDLASS_SERVER: 'https://10.0.0.1:6443' };
  const script = 'join ${WINDLASS_SERVER} ${WINDLASS_TOKEN} ${HOME} $WINDLASS_TOKEN ${WINDLASS_X}';
  const filled = 'join https://10.0.0.1:6443 a.b ${HOME} $WINDLASS_TOKEN ${WINDLASS_X}';
  assert.equal(filledIn(script, environment), filled);
  assert.equal(filledIn(script), script);
  assert.equal(filledIn(undefined, environment), undefined);
});
