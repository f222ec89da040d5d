import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { HetznerApi, TOKEN } from '#test/support/hetzner-api.ts';
import { scaledClock } from '#test/support/scaled-clock.ts';
import { NotOwned } from '../errors.ts';
import {
  attachFloatingIP,
  detachFloatingIP,
  ensureFloatingIP,
  resourceName,
} from './cluster-resources.ts';
import type { FloatingIP } from './cluster-resources.ts';
import { HetznerClient } from './hetzner-client.ts';
import { hetznerSettings } from './hetzner-settings.ts';

const signal = AbortSignal.timeout(600_000);
const api = await HetznerApi.start();
after(() => api.close());
const client = new HetznerClient({
  endpoint: api.endpoint,
  token: TOKEN,
  clock: scaledClock(1_000),
});
const dev = { name: 'dev', uid: 'uid-of-dev' };

test('hetzner: a floating address is made, reused, or somebody else’s [ksail-043]', async () => {
  const settings = hetznerSettings({ floatingIP: 'true' });
  const made = await ensureFloatingIP(client, dev, settings, signal);
  const before = api.calls.length;
  assert.equal((await ensureFloatingIP(client, dev, settings, signal)).id, made.id);
  assert.ok(!api.calls.slice(before).some((call) => call.startsWith('POST')));
  const other = { name: 'other', uid: 'o1' };
  api.add('floating_ips', resourceName(other));
  await assert.rejects(ensureFloatingIP(client, other, settings, signal), NotOwned);
});

test('hetzner: attaching an address does what is left to do [ksail-044]', async () => {
  const address = await ensureFloatingIP(client, dev, hetznerSettings({}), signal);
  const calls = async (act: () => Promise<void>): Promise<readonly string[]> => {
    const before = api.calls.length;
    await act();
    return api.calls
      .slice(before)
      .filter((call) => call.startsWith('POST'))
      .map((call) => call.split('/').at(-1) ?? '');
  };
  const now = (): FloatingIP => api.find('floating_ips', address.name) as unknown as FloatingIP;
  assert.deepEqual(await calls(() => detachFloatingIP(client, now(), signal)), []);
  assert.deepEqual(await calls(() => attachFloatingIP(client, now(), 7, signal)), ['assign']);
  assert.deepEqual(await calls(() => attachFloatingIP(client, now(), 7, signal)), []);
  assert.deepEqual(await calls(() => attachFloatingIP(client, now(), 8, signal)), ['assign']);
  assert.equal(now().server, 8);
  assert.deepEqual(await calls(() => detachFloatingIP(client, now(), signal)), ['unassign']);
});
