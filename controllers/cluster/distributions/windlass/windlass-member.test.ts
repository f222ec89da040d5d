import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_LIMITS } from '../../../infrastructure/each-node.ts';
import { LabelledProvider } from '../../../infrastructure/labelled-provider.ts';
import { SimWorld } from '../../../infrastructure/sim/sim-world.ts';
import type { ApiObject, Client } from '../../../machinery/client-types.ts';
import { FakeClock } from '../../../machinery/machinery-fixture.ts';
import { ConnectionError } from '../../../machinery/request-error.ts';
import { needsOf } from '../../member-needs.ts';
import type { Member } from '../../member-driver.ts';
import type { MachineStatus, Role } from '../../types.ts';
import { portOffset } from './windlass-commands.ts';
import { WindlassMember } from './windlass-member.ts';

const { signal } = new AbortController();

interface Setting {
  readonly role?: Role;
  readonly version?: string;
  readonly status?: MachineStatus;
  /** What the server, or the agent, says it is. */
  readonly says?: string | Error | undefined;
  readonly programVersion?: string;
  readonly program?: readonly string[];
  readonly flags?: readonly string[];
  /** URLs of servers that answer; absent: all do. */
  readonly serving?: readonly string[];
  /** Where it joined, as its Machine says. */
  readonly joinedAt?: string;
  /** Where nodes may join now. */
  readonly homes?: readonly string[];
  /** What the Node's condition Ready is. */
  readonly nodeReady?: string;
}

function metadata(name: string): ApiObject['metadata'] {
  const creationTimestamp = '2026-01-01T00:00:00Z';
  return { name, namespace: 'ns', uid: `uid-${name}`, resourceVersion: '1', creationTimestamp };
}

interface Situated {
  readonly driver: WindlassMember;
  readonly world: SimWorld;
  /** Lists of Pods that were asked for: a drain asks for one. */
  readonly drains: string[];
  /** What was kept on its Machine. */
  readonly kept: string[];
}

function memberOf(setting: Setting): Situated {
  const { role = 'controller', version, status, says, programVersion } = setting;
  const { joinedAt, homes = [], nodeReady = 'True' } = setting;
  const drains: string[] = [];
  const kept: string[] = [];
  const world = new SimWorld();
  const clock = new FakeClock();
  const labels = { 'windlass.dev/pool': 'p' };
  const annotations = joinedAt === undefined ? {} : { 'windlass.dev/joined-at': joinedAt };
  const own = { ...metadata('a'), labels, annotations };
  const machine = { metadata: own, spec: { role }, ...(status && { status }) };
  const member: Member = {
    cluster: { metadata: metadata('home'), spec: {} },
    machine,
    peers: [machine, { metadata: metadata('b'), spec: { role: 'controller' } }],
    role,
    version,
    flags: setting.flags ?? [],
    configuration: {},
  };
  const text = says instanceof Error ? undefined : says;
  const client: Pick<Client, 'get' | 'list'> & AsyncDisposable = {
    list: () => {
      drains.push('pods');
      return Promise.resolve({ metadata: { resourceVersion: '1' }, items: [] });
    },
    get: <T extends ApiObject>() =>
      says instanceof Error
        ? Promise.reject(says)
        : Promise.resolve({
            metadata: metadata('a'),
            status: {
              conditions: [{ type: 'Ready', status: nodeReady }],
              nodeInfo: {
                kubeletVersion: text === undefined ? 'v1.37.0' : `v1.37.0+windlass.${text}`,
              },
            },
          } as unknown as T),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const driver = new WindlassMember({
    member,
    clock,
    provider: new LabelledProvider({
      driver: world,
      clock,
      limits: DEFAULT_LIMITS,
      labelScheme: 'windlass',
      adoptedClusters: [],
    }),
    configuration: {
      program: setting.program ?? ['windlass'],
      command: undefined,
      port: 6443,
      runtime: 'process',
      isElsewhere: false,
    },
    programVersion,
    homes: () => Promise.resolve(homes),
    remember: (annotation, value) => {
      kept.push(`${annotation} ${value}`);
      return Promise.resolve();
    },
    versionOf: () => Promise.resolve(text),
    isReady: (url) => Promise.resolve(setting.serving?.includes(url) ?? true),
    clusterClient: () => Promise.resolve(client as unknown as Client & AsyncDisposable),
  });
  return { driver, world, drains, kept };
}

for (const role of ['controller', 'worker'] as const) {
  test(`a ${role} runs the version that it says, whatever was asked of it`, async () => {
    const { driver } = memberOf({ role, version: '0.2.0', says: '0.1.0' });
    await driver.install(signal);
    const situation = await driver.look(signal);
    assert.equal(situation.runningVersion, '0.1.0');
    assert.deepEqual(needsOf(situation, '0.2.0'), ['version 0.1.0 → 0.2.0']);
    await assert.rejects(driver.verify('wanted', signal), /windlass 0\.1\.0 runs, not 0\.2\.0: /);
    assert.equal(await driver.verify('any', signal), undefined);
  });

  test(`a ${role} that is what was asked for needs nothing`, async () => {
    const { driver } = memberOf({ role, version: 'v0.2.0', says: '0.2.0' });
    await driver.install(signal);
    assert.equal(await driver.verify('wanted', signal), undefined);
    assert.deepEqual(needsOf(await driver.look(signal), 'v0.2.0'), []);
  });

  test(`a ${role} that says nothing yet is what it was the last time`, async () => {
    const status = { installedVersion: '0.1.0', runningVersion: '0.1.0' };
    const says = role === 'worker' ? new ConnectionError('refused') : undefined;
    const { driver, world } = memberOf({ role, version: '0.2.0', says, status });
    world.add('a', {
      'windlass.dev/cluster': 'home',
      'windlass.dev/cluster-uid': 'uid-home',
      'windlass.dev/pool': 'p',
      'windlass.dev/role': role,
      'windlass.dev/machine-uid': 'uid-a',
    });
    assert.equal((await driver.look(signal)).runningVersion, '0.1.0');
  });
}

test('a program that is known to be of another version is refused before anything is touched', async () => {
  const { driver, world } = memberOf({ version: '0.2.0', programVersion: '0.1.0' });
  await assert.rejects(
    async () => driver.prepare(),
    /spec\.version is 0\.2\.0, and the program that nodes run is windlass 0\.1\.0: name one/,
  );
  assert.deepEqual(world.actions, []);
  await memberOf({ version: 'v0.1.0', programVersion: '0.1.0' }).driver.prepare();
  await memberOf({ programVersion: '0.1.0' }).driver.prepare();
});

test('where what runs cannot be asked, what was asked of it counts', async () => {
  const { driver } = memberOf({ version: '0.2.0', program: [] });
  await driver.install(signal);
  assert.deepEqual(needsOf(await driver.look(signal), '0.2.0'), []);
  assert.equal(await driver.verify('wanted', signal), undefined);
});

test('a server that stands by for another one with the same state is as it shall be', async () => {
  const shared = ['--persistence', 'nfs:/srv/state'];
  const verified = async (flags: readonly string[], serving: readonly string[]) => {
    const { driver, world } = memberOf({ flags, serving });
    await driver.install(signal);
    world.add('b', {
      'windlass.dev/cluster': 'home',
      'windlass.dev/cluster-uid': 'uid-home',
      'windlass.dev/pool': 'p',
      'windlass.dev/role': 'controller',
      'windlass.dev/machine-uid': 'uid-b',
    });
    return driver.verify('any', signal);
  };
  assert.equal(await verified(shared, ['https://127.0.0.1:6444']), undefined);
  const silent = { why: 'https://127.0.0.1:6443/readyz does not say ok yet' };
  assert.deepEqual(await verified(shared, []), silent, 'nobody serves');
  assert.deepEqual(
    await verified([], ['https://127.0.0.1:6444']),
    silent,
    'each has its own state',
  );
});

const LABELS = {
  'windlass.dev/cluster': 'home',
  'windlass.dev/cluster-uid': 'uid-home',
  'windlass.dev/pool': 'p',
  'windlass.dev/role': 'worker',
  'windlass.dev/machine-uid': 'uid-a',
};

test('a worker that joined at a server which is none of the cluster’s any more is made anew', async () => {
  const differences = async (setting: Setting): Promise<readonly string[]> => {
    const { driver, world } = memberOf({ role: 'worker', says: '0.1.0', ...setting });
    world.add('a', LABELS);
    return (await driver.look(signal)).differences;
  };
  const homes = ['https://10.0.0.2:6443', 'https://10.0.0.3:6443'];
  assert.deepEqual(await differences({ joinedAt: 'https://10.0.0.1:6443', homes }), ['server']);
  // The order says which serves now; what moves by itself is left alone.
  assert.deepEqual(await differences({ joinedAt: 'https://10.0.0.3:6443', homes }), []);
  assert.deepEqual(await differences({ joinedAt: 'https://10.0.0.1:6443', homes: [] }), []);
  assert.deepEqual(await differences({ homes }), [], 'one of before, of which nobody knows');
  const moved = { role: 'controller', joinedAt: 'https://10.0.0.1:6443', homes } as const;
  assert.deepEqual(await differences(moved), []);

  const { driver, world, kept } = memberOf({
    role: 'worker',
    says: '0.1.0',
    joinedAt: 'https://10.0.0.1:6443',
    homes,
  });
  world.add('a', LABELS);
  await driver.install(signal);
  assert.deepEqual(kept, ['windlass.dev/joined-at https://10.0.0.2:6443']);
  assert.deepEqual((await driver.look(signal)).differences, []);
});

test('a worker that no server hears of any more is not emptied before it is made anew', async () => {
  const drained = async (setting: Setting): Promise<number> => {
    const { driver, world, drains } = memberOf({ role: 'worker', says: '0.1.0', ...setting });
    world.add('a', LABELS);
    await driver.drain({}, signal);
    return drains.length;
  };
  const astray = { joinedAt: 'one', homes: ['other'] };
  assert.equal(await drained({ ...astray, nodeReady: 'Unknown' }), 0);
  // Whoever is heard of is emptied as ever, and so is who is only silent for a while.
  assert.equal(await drained(astray), 1);
  assert.equal(await drained({ joinedAt: 'one', homes: ['one'], nodeReady: 'Unknown' }), 1);
});

test('a controller that shares its address keeps its port, whoever comes and goes', async () => {
  const offsets = (peers: Readonly<Record<string, string | undefined>>): readonly number[] => {
    const machines = Object.entries(peers).map(([name, kept]) => ({
      metadata: {
        ...metadata(name),
        annotations: kept === undefined ? {} : { 'windlass.dev/port-offset': kept },
      },
      spec: { role: 'controller' as const },
    }));
    const [machine = assert.fail()] = machines;
    const cluster = { metadata: metadata('home'), spec: {} };
    const rest = { role: 'controller', version: undefined, flags: [], configuration: {} } as const;
    const member: Member = { cluster, machine, peers: machines, ...rest };
    return Object.keys(peers).map((name) => portOffset(member, name));
  };
  assert.deepEqual(offsets({ a: undefined, b: undefined, c: undefined }), [0, 1, 2]);
  assert.deepEqual(offsets({ b: '1' }), [1]);
  assert.deepEqual(offsets({ a: undefined, b: '0', c: undefined, d: '2' }), [1, 0, 3, 2]);
  assert.deepEqual(offsets({ a: 'x', b: '-1' }), [0, 1], 'what is no number is none');

  const { driver, kept } = memberOf({});
  await driver.install(signal);
  assert.deepEqual(kept, ['windlass.dev/port-offset 0']);
});
