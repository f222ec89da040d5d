import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimWorld } from '../infrastructure/sim/sim-world.ts';
import type { ApiObject, Client } from '../machinery/client-types.ts';
import { FakeClock } from '../machinery/machinery-fixture.ts';
import { RequestError } from '../machinery/request-error.ts';
import { NoHostError, ProvidedHosts } from './provided-host.ts';
import type { HostWishes, ProvidedMachine } from './provided-host.ts';
import type { InfraProviderSpec } from './types.ts';

const { signal } = new AbortController();
const RUN: HostWishes = { mayCreate: true, mayStart: true };
const STOP: HostWishes = { mayCreate: true, mayStart: false };
const PAUSED: HostWishes = { mayCreate: false, mayStart: true };
const SSH = { type: 'SSH', ssh: { hostKey: 'SHA256:x' } } as const;

function machine(name: string, change: Partial<ProvidedMachine> = {}): ProvidedMachine {
  const metadata: ApiObject['metadata'] = {
    name,
    namespace: 'ns',
    uid: `uid-${name}`,
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
  };
  return { metadata, providerRef: { name: 'p' }, connection: SSH, role: 'worker', ...change };
}

function ofCluster(one: ProvidedMachine): ProvidedMachine {
  const labels = {
    'windlass.dev/cluster': 'home',
    'windlass.dev/cluster-uid': 'uid-home',
    'windlass.dev/pool': 'w',
  };
  return { ...one, metadata: { ...one.metadata, labels } };
}

function worldOf(spec: InfraProviderSpec = { type: 'Sim' }): {
  readonly hosts: ProvidedHosts;
  readonly world: SimWorld;
} {
  const world = new SimWorld();
  const metadata = { ...machine('p').metadata };
  const client: Pick<Client, 'get'> = {
    get: <T extends ApiObject>(_: unknown, namespace: string, name: string) =>
      name === 'p' && namespace === 'ns'
        ? Promise.resolve({ metadata, spec } as unknown as T)
        : Promise.reject(new RequestError(404, 'NotFound', `${name} not found`)),
  };
  const ids = { hex: () => '0', uuid: () => '0', suffix: () => '0' };
  const simWorlds = new Map([['ns/p', world]]);
  return { world, hosts: new ProvidedHosts(client, { clock: new FakeClock(), ids, simWorlds }) };
}

/** As a cloud gives addresses to what it has made. */
function address(world: SimWorld, name: string, ...addresses: readonly string[]): void {
  const node = world.nodes.get(name);
  if (node !== undefined) world.nodes.set(name, { ...node, addresses });
}

function noHost(reason: string, isPassing: boolean, message = /./): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof NoHostError, String(error));
    assert.deepEqual([error.reason, error.isPassing], [reason, isPassing], error.message);
    assert.match(error.message, message);
    return true;
  };
}

test('a host is made once, with all labels, and reached at the address that it got', async () => {
  const { hosts, world } = worldOf();
  await assert.rejects(hosts.ensure(machine('a'), RUN, signal), noHost('NoAddress', true));
  address(world, 'a', '10.0.0.7', 'fd00::7');
  const connection = await hosts.ensure(machine('a'), RUN, signal);
  assert.deepEqual(connection, { type: 'SSH', ssh: { hostKey: 'SHA256:x', address: '10.0.0.7' } });
  const fixed = { type: 'SSH', ssh: { address: 'a.example.org' } } as const;
  assert.equal(await hosts.ensure(machine('a', { connection: fixed }), RUN, signal), fixed);
  assert.deepEqual(world.actions, ['create a']);
  assert.deepEqual(world.nodes.get('a')?.labels, {
    'windlass.dev/cluster': 'a',
    'windlass.dev/cluster-uid': 'uid-a',
    'windlass.dev/pool': 'machine',
    'windlass.dev/role': 'worker',
    'windlass.dev/machine-uid': 'uid-a',
  });
});

test('what was made before the answer was lost is found again by the UID of the Machine', async () => {
  const { hosts, world } = worldOf();
  world.fault = (action) => (action === 'create' ? 'lost' : undefined);
  await assert.rejects(hosts.ensure(machine('a'), RUN, signal), noHost('NodeTimeout', true));
  address(world, 'a', '10.0.0.7');
  await hosts.ensure(machine('a'), RUN, signal);
  assert.deepEqual(world.actions, ['create a']);
});

test('something that merely has the name is left alone', async () => {
  const { hosts, world } = worldOf();
  world.add('a', { 'windlass.dev/cluster': 'a' });
  await assert.rejects(hosts.ensure(machine('a'), RUN, signal), noHost('NotOwned', false));
  assert.equal(await hosts.remove(machine('a'), signal), true);
  assert.deepEqual([...world.nodes.keys()], ['a']);
  assert.ok(!world.actions.includes('remove a'));
});

test('a host is switched off and on, and not made to be off', async () => {
  const { hosts, world } = worldOf();
  assert.equal(await hosts.ensure(machine('a'), STOP, signal), 'off');
  assert.equal(world.nodes.size, 0);
  await hosts.ensure(machine('a'), RUN, signal).catch(() => undefined);
  address(world, 'a', '10.0.0.7');
  assert.notEqual(await hosts.ensure(machine('a'), STOP, signal), 'off');
  await hosts.stop(machine('a'), signal);
  assert.equal(world.nodes.get('a')?.state, 'stopped');
  assert.equal(await hosts.ensure(machine('a'), STOP, signal), 'off');
  await hosts.ensure(machine('a'), RUN, signal);
  assert.deepEqual(world.actions, ['create a', 'stop a', 'start a']);
});

test('no host is made while the machine is paused', async () => {
  const { hosts, world } = worldOf();
  await assert.rejects(hosts.ensure(machine('a'), PAUSED, signal), noHost('Paused', true));
  assert.deepEqual(world.actions, []);
});

test('a machine of its own goes with its network; one of a cluster leaves that to the cluster', async () => {
  const { hosts, world } = worldOf();
  for (const one of [machine('a'), ofCluster(machine('b')), ofCluster(machine('c'))])
    await hosts.ensure(one, RUN, signal).catch(() => undefined);
  assert.equal(await hosts.remove(machine('a'), signal), true);
  assert.equal(await hosts.remove(ofCluster(machine('b')), signal), true);
  assert.equal(await hosts.remove(ofCluster(machine('b')), signal), true);
  assert.deepEqual([...world.nodes.keys()], ['c']);
  assert.deepEqual([...world.resources.keys()], ['home-network']);
});

test('another life of the same name is not taken for this one', async () => {
  const { hosts, world } = worldOf();
  await hosts.ensure(ofCluster(machine('a')), RUN, signal).catch(() => undefined);
  const reborn = ofCluster(machine('a'));
  const other = { ...reborn, metadata: { ...reborn.metadata, uid: 'uid-2' } };
  await assert.rejects(hosts.ensure(other, RUN, signal), noHost('NotOwned', false));
  assert.equal(await hosts.remove(other, signal), true);
  assert.equal(world.nodes.size, 1);
});

test('what is missing is said by its field', async () => {
  const { hosts, world } = worldOf();
  const lost = machine('a', { providerRef: { name: 'q' } });
  const notFound = noHost(
    'NotFound',
    false,
    /^spec\.providerRef: InfraProvider ns\/q is not there/,
  );
  await assert.rejects(hosts.ensure(lost, RUN, signal), notFound);
  await assert.rejects(hosts.remove(lost, signal), notFound);
  const unsaid = machine('a', { connection: undefined });
  await assert.rejects(
    hosts.ensure(unsaid, RUN, signal),
    noHost(
      'NoConnection',
      false,
      /^sim: |spec\.connection: InfraProvider p \(Sim\) makes the host; say how/,
    ),
  );
  world.fault = () => new Error('the cable is out');
  await assert.rejects(
    hosts.ensure(machine('a'), RUN, signal),
    noHost('InfrastructureFailed', true, /the cable is out/),
  );
});

test('a provider of given machines makes and removes none', async () => {
  const { hosts } = worldOf({ type: 'SSH' });
  const fixed = { type: 'SSH', ssh: { address: 'a.example.org' } } as const;
  const given = machine('a', { connection: fixed });
  assert.equal(await hosts.ensure(given, RUN, signal), fixed);
  await hosts.stop(given, signal);
  assert.equal(await hosts.remove(given, signal), false);
  await assert.rejects(hosts.ensure(machine('a'), RUN, signal), noHost('NoAddress', false));
});
