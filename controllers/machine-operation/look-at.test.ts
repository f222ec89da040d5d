// Operations against an API server in memory and a machine controller of a few lines, crashed after every write in turn.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { CrashError, MemoryApi } from '#controllers/cluster/memory-api-fixture.ts';
import { SimulatedFleet } from '#controllers/hosts/sim/simulated-fleet.ts';
import { FakeClock } from '#controllers/machinery/machinery-fixture.ts';
import { LEASES, MACHINES, SECRETS } from '#controllers/machinery/resources.ts';
import { systemIds } from '#platform/id.ts';
import { lookAt } from './look-at.ts';
import type { LookContext } from './look-at.ts';
import { isFinished, MACHINE_OPERATIONS, OPERATION_ANNOTATION } from './types.ts';
import type { MachineOperation, OperationType, TargetMachine } from './types.ts';
import type { ApiObject, Client } from '../machinery/client-types.ts';

const { signal } = new AbortController();
const START = Date.parse('2026-01-01T00:00:00Z');

/** What a test says the machine controller does when it is asked. */
type Answer = (machine: string, type: OperationType) => 'Complete' | 'Failed' | undefined;

class World {
  readonly api = new MemoryApi();
  readonly clock = new FakeClock();
  readonly fleet = new SimulatedFleet(this.clock);
  readonly events: string[] = [];
  /** What the machine controller was asked, in order. */
  readonly asked: string[] = [];
  answer: Answer = () => 'Complete';

  constructor(...names: readonly string[]) {
    this.clock.advance(START);
    for (const name of names)
      this.api.create(MACHINES, 'ns', {
        metadata: { name, labels: { pool: 'workers' } },
        spec: { connection: { type: 'Sim' } },
      });
  }

  operate(name: string, spec: object): void {
    this.api.create(MACHINE_OPERATIONS, 'ns', { metadata: { name }, spec });
  }

  operation(name: string): MachineOperation {
    const found = this.api
      .list<MachineOperation>(MACHINE_OPERATIONS, 'ns')
      .items.find(({ metadata }) => metadata.name === name);
    assert.ok(found, `operation ${name}`);
    return found;
  }

  machines(): readonly TargetMachine[] {
    return this.api.list<TargetMachine>(MACHINES, 'ns').items;
  }

  /** One look at every operation, then the machine controller answers. */
  async turn(client: Client = this.api.client('operations')): Promise<void> {
    const context: LookContext = {
      client,
      clock: this.clock,
      ids: systemIds,
      fleet: this.fleet,
      hosts: { ensure: () => Promise.reject(new Error('its provider is away')) },
      events: {
        record: (_, object, type, reason) =>
          void this.events.push(`${object.metadata.name} ${type} ${reason}`),
      },
      signal,
    };
    for (const operation of this.api.list<MachineOperation>(MACHINE_OPERATIONS, 'ns').items)
      await lookAt(operation, context);
    await this.#machineController();
    this.clock.advance(100);
  }

  async #machineController(): Promise<void> {
    const client = this.api.client('machines');
    for (const { metadata, status } of this.machines()) {
      const [uid = '', type = ''] = (metadata.annotations?.[OPERATION_ANNOTATION] ?? '').split('/');
      if (uid === '' || status?.operation?.uid === uid) continue;
      const phase = this.answer(metadata.name, type as OperationType);
      if (phase === undefined) continue;
      this.asked.push(`${metadata.name} ${type}`);
      const operation = { uid, type, phase, message: `${type} ${phase}` };
      await client.patch(
        MACHINES,
        'ns',
        metadata.name,
        'status',
        'merge',
        { status: { operation } },
        signal,
      );
    }
  }

  async until(name: string, turns = 60): Promise<MachineOperation> {
    for (let turn = 0; turn < turns && !isFinished(this.operation(name)); turn++) await this.turn();
    // What is left to tidy up afterwards.
    for (let turn = 0; turn < 3; turn++) await this.turn();
    return this.operation(name);
  }

  /** Nothing of an operation is left on machines. */
  assertFree(): void {
    assert.deepEqual(this.api.list(LEASES, 'ns').items, []);
    for (const { metadata } of this.machines())
      assert.equal(metadata.annotations?.[OPERATION_ANNOTATION], undefined, metadata.name);
  }
}

test('a machine is claimed, asked, heard, given back', async () => {
  const world = new World('a', 'b');
  world.operate('reboot', { type: 'Reboot', machineRef: { name: 'a' } });
  await world.turn();
  assert.equal(world.operation('reboot').status?.phase, 'Pending');
  const { status, metadata } = await world.until('reboot');
  assert.equal(status?.phase, 'Complete');
  assert.deepEqual(status?.results, [
    { machine: 'a', phase: 'Complete', message: 'Reboot Complete' },
  ]);
  assert.deepEqual(
    status?.conditions?.map(({ type, status: is }) => `${type}=${is}`),
    ['Complete=True', 'Failed=False'],
  );
  assert.ok(status?.startTime !== undefined && status.completionTime !== undefined);
  assert.deepEqual(metadata.finalizers ?? [], []);
  assert.deepEqual(world.asked, ['a Reboot']);
  assert.deepEqual(world.events, ['reboot Normal Complete']);
  world.assertFree();
  const settled = world.api.version;
  await world.turn();
  assert.equal(world.api.version, settled, 'an operation that has ended costs no write');
});

test('a deadline of ten thousand years is one that a Lease takes', async () => {
  const world = new World('a');
  world.answer = () => undefined;
  const deadline = '87600000h';
  world.operate('slow', { type: 'Stop', machineRef: { name: 'a' }, deadline });
  for (let turn = 0; turn < 5; turn++) await world.turn();
  const [lease] = world.api.list<
    ApiObject & { readonly spec: { readonly leaseDurationSeconds: number } }
  >(LEASES, 'ns').items;
  assert.equal(lease?.spec.leaseDurationSeconds, 2 ** 31 - 1);
  assert.equal(world.operation('slow').status?.phase, 'InProgress');
});

test('one operation at a time per machine: the second waits and says for whom', async () => {
  const world = new World('a');
  world.answer = () => undefined;
  world.operate('first', { type: 'Stop', machineRef: { name: 'a' } });
  for (let turn = 0; turn < 5; turn++) await world.turn();
  world.operate('second', { type: 'Start', machineRef: { name: 'a' } });
  for (let turn = 0; turn < 5; turn++) await world.turn();
  assert.equal(world.operation('second').status?.message, 'waits for first');
  world.answer = () => 'Complete';
  assert.equal((await world.until('second')).status?.phase, 'Complete');
  assert.deepEqual(world.asked, ['a Stop', 'a Start']);
  world.assertFree();
});

test('what nobody takes by its deadline has failed, and says what it waited for', async () => {
  const world = new World('a');
  world.answer = () => undefined;
  world.operate('silent', { type: 'Retry', machineRef: { name: 'a' }, deadline: '2m' });
  world.operate('nowhere', { type: 'Retry', machineRef: { name: 'nope' }, deadline: '2m' });
  for (let turn = 0; turn < 5; turn++) await world.turn();
  world.clock.advance(119_000);
  const silent = await world.until('silent');
  assert.equal(silent.status?.phase, 'Failed');
  assert.match(
    silent.status?.message ?? '',
    /deadline has passed: the machine controller did not answer/,
  );
  assert.match(
    (await world.until('nowhere')).status?.message ?? '',
    /deadline has passed: there is no such Machine/,
  );
  assert.deepEqual(world.events.toSorted(), ['nowhere Warning Failed', 'silent Warning Failed']);
  world.assertFree();
});

test('a selector is read once; what takes machines away goes one by one and stops at a failure', async () => {
  const world = new World('a', 'b', 'c');
  world.answer = (machine) => (machine === 'b' ? 'Failed' : 'Complete');
  world.operate('all', { type: 'Reboot', selector: { matchLabels: { pool: 'workers' } } });
  await world.turn();
  world.api.create(MACHINES, 'ns', { metadata: { name: 'd', labels: { pool: 'workers' } } });
  const { status } = await world.until('all');
  assert.deepEqual(
    status?.results?.map(({ machine, phase }) => `${machine} ${phase}`),
    ['a Complete', 'b Failed', 'c Failed'],
  );
  assert.equal(status?.results?.[2]?.message, 'not begun, as b failed');
  assert.match(status?.message ?? '', /1 of 3 done, 2 failed; b: Reboot Failed/);
  assert.deepEqual(world.asked, ['a Reboot', 'b Reboot']);
  world.operate('none', { type: 'Stop', selector: { matchLabels: { pool: 'other' } } });
  const none = await world.until('none');
  assert.equal(
    none.status?.conditions?.find(({ type }) => type === 'Failed')?.reason,
    'NoMachines',
  );
  world.assertFree();
});

test('what harms nobody is done to all at once', async () => {
  const world = new World('a', 'b', 'c');
  world.answer = () => undefined;
  world.operate('all', { type: 'Preflight', selector: { matchLabels: { pool: 'workers' } } });
  for (let turn = 0; turn < 6; turn++) await world.turn();
  assert.deepEqual(
    world
      .machines()
      .map(({ metadata }) => metadata.annotations?.[OPERATION_ANNOTATION] !== undefined),
    [true, true, true],
  );
});

test('a finished operation is deleted after its time, a deleted one gives its machines back', async () => {
  const world = new World('a');
  world.operate('short', { type: 'Start', machineRef: { name: 'a' }, ttlSecondsAfterFinished: 60 });
  await world.until('short');
  world.clock.advance(61_000);
  await world.turn();
  assert.deepEqual(world.api.list(MACHINE_OPERATIONS, 'ns').items, []);
  world.answer = () => undefined;
  world.operate('long', { type: 'Stop', machineRef: { name: 'a' } });
  for (let turn = 0; turn < 5; turn++) await world.turn();
  assert.notEqual(world.machines()[0]?.metadata.annotations?.[OPERATION_ANNOTATION], undefined);
  await world.api.client('user').delete(MACHINE_OPERATIONS, 'ns', 'long', {}, signal);
  for (let turn = 0; turn < 4; turn++) await world.turn();
  assert.deepEqual(world.api.list(MACHINE_OPERATIONS, 'ns').items, []);
  world.assertFree();
});

test('killed before and after any of its writes, the next one comes to the same end', async () => {
  for (const afterWrite of [false, true])
    for (let writesLeft = 0; writesLeft < 24; writesLeft++) {
      const world = new World('a', 'b');
      world.operate('logs', { type: 'CollectLogs', machineRef: { name: 'a' } });
      world.operate('reboot', { type: 'Reboot', selector: { matchLabels: { pool: 'workers' } } });
      const dying = world.api.client('operations', { writesLeft, afterWrite });
      try {
        for (let turn = 0; turn < 30; turn++) await world.turn(dying);
      } catch (error) {
        assert.ok(error instanceof CrashError, String(error));
      }
      const what = `${writesLeft} writes, after: ${afterWrite}`;
      assert.equal((await world.until('logs')).status?.phase, 'Complete', what);
      assert.equal((await world.until('reboot')).status?.phase, 'Complete', what);
      assert.deepEqual(world.asked.toSorted(), ['a Reboot', 'b Reboot'], what);
      assert.equal(world.api.list(SECRETS, 'ns').items.length, 1, what);
      world.assertFree();
    }
});

test('logs are collected over the host, bounded, without secrets, into a Secret of the operation', async () => {
  const world = new World('a', 'b');
  const machine = world.fleet.machine('a');
  machine.write(
    '/var/log/windlass-services/kubelet.service.log',
    'started with --token abc123secret\nall well\n',
  );
  machine.onCommand('journalctl', () => ({
    stdout: 'x'.repeat(900_000) + '\npassword=hunter2\nlast line\n',
  }));
  machine.onCommand('tail', ({ argv }) => ({
    stdout: Buffer.from(machine.files.read(argv.at(-1) ?? '') ?? '').toString(),
  }));
  world.fleet.machine('b').isReachable = false;
  world.operate('logs', { type: 'CollectLogs', machineRef: { name: 'a' } });
  const { status, metadata } = await world.until('logs');
  const [result] = status?.results ?? [];
  assert.equal(result?.phase, 'Complete', result?.message ?? '');
  const [secret] = world.api.list<ApiObject & { readonly data: Readonly<Record<string, string>> }>(
    SECRETS,
    'ns',
  ).items;
  assert.ok(secret);
  assert.equal(secret.metadata.name, result?.logs?.secretName);
  assert.equal(secret.metadata.ownerReferences?.[0]?.uid, metadata.uid);
  const bytes = Buffer.from(secret.data['logs.tar.gz'] ?? '', 'base64');
  assert.equal(bytes.length, result?.logs?.bytes);
  const text = gunzipSync(bytes).toString('latin1');
  assert.ok(
    text.includes('logs-a/journal.log') && text.includes('last line') && text.includes('all well'),
  );
  assert.ok(text.includes('logs-a/var/log/windlass-services/kubelet.service.log'));
  assert.ok(!text.includes('hunter2') && !text.includes('abc123secret'));
  assert.ok(text.length < 400_000, `${text.length}`);
});
