// MachineOperations by their commands, against the real control plane and a host that is a folder. Who plays the machine controller
// is a few lines: what is shown is the way from the command to the machine and back.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { parseAllDocuments } from 'yaml';
import type { Command, CommandIO } from '#cli/command.ts';
import {
  machineCollectLogs,
  machinePreflight,
  machineReboot,
  machineReset,
} from '#cli/machine/operation-commands.ts';
import { machinePlan } from '#cli/commands/machine-plan.ts';
import { CommandError, UsageError } from '#cli/usage-error.ts';
import { MACHINE_OPERATIONS, OPERATION_ANNOTATION } from '#controllers/machine-operation/types.ts';
import type { MachineOperation, TargetMachine } from '#controllers/machine-operation/types.ts';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import { RequestError } from '#controllers/machinery/request-error.ts';
import { LEASES, MACHINES, SECRETS } from '#controllers/machinery/resources.ts';
import { TestControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp-dir.ts';
import { projectRoot } from '../support/windlass.ts';

class Fleet {
  readonly plane: TestControlPlane;
  readonly root = tempDir();
  output = '';

  constructor(plane: TestControlPlane) {
    this.plane = plane;
  }

  static async start(t: TestContext, ...more: readonly string[]): Promise<Fleet> {
    const fleet = new Fleet(await TestControlPlane.start(t));
    await fleet.plane.controllers(['machine-operation', 'garbage-collector', ...more]);
    return fleet;
  }

  /** A Machine whose host is a folder with a log. */
  async machine(name: string): Promise<void> {
    const path = join(this.root, name);
    mkdirSync(join(path, 'var/log/windlass-services'), { recursive: true });
    writeFileSync(
      join(path, 'var/log/windlass-services/web.service.log'),
      'token=abc123\nit runs\n',
    );
    const { client, signal } = this.plane;
    await client.create(
      MACHINES,
      'default',
      {
        apiVersion: 'windlass.dev/v1alpha1',
        kind: 'Machine',
        metadata: { name, namespace: 'default', labels: { pool: 'demo' } },
        spec: { role: 'worker', connection: { type: 'LocalDir', localDir: { path } } },
      },
      signal,
    );
  }

  async run(command: Command, ...args: readonly string[]): Promise<number> {
    this.output = '';
    const io: CommandIO = {
      environment: {},
      out: (text) => void (this.output += text),
      err: (text) => void (this.output += text),
      columns: undefined,
      errIsTerminal: false,
      ask: undefined,
      readInput: () => Promise.resolve(''),
      stopSignal: () => this.plane.signal,
    };
    return command.main([...args, '--kubeconfig', this.plane.kubeconfig], io);
  }

  /** Does once what a Machine is asked for, as its controller would. */
  answer(name: string, phase: 'Complete' | 'Failed', status: object = {}): Promise<string> {
    const { client, signal } = this.plane;
    return eventually(`${name} is asked`, async () => {
      const machine = await client.get<TargetMachine>(MACHINES, 'default', name, signal);
      const [uid = '', type = ''] = (
        machine.metadata.annotations?.[OPERATION_ANNOTATION] ?? ''
      ).split('/');
      assert.notEqual(uid, '');
      assert.notEqual(machine.status?.operation?.uid, uid);
      const operation = { uid, type, phase, message: `${type} on ${name}` };
      await client.patch(
        MACHINES,
        'default',
        name,
        'status',
        'merge',
        { status: { ...status, operation } },
        signal,
      );
      return type;
    });
  }

  list<T extends ApiObject>(resource: typeof LEASES): Promise<readonly T[]> {
    const { client, signal } = this.plane;
    return client.list<T>(resource, { namespace: 'default' }, signal).then(({ items }) => items);
  }
}

test('a command makes an operation, follows it to its end, and leaves nothing on the machine', async (t) => {
  const fleet = await Fleet.start(t);
  await fleet.machine('a');
  const [code, type] = await Promise.all([
    fleet.run(machineReboot, 'a'),
    fleet.answer('a', 'Complete'),
  ]);
  assert.deepEqual([code, type], [0, 'Reboot']);
  assert.match(fleet.output, /^machineoperation\.windlass\.dev\/a-reboot-\w{5} created\n/);
  assert.match(fleet.output, / {2}a {2}Complete {2}Reboot on a\n$/);
  assert.deepEqual(await fleet.list(LEASES), []);
  const [machine] = await fleet.list(MACHINES);
  assert.equal(machine?.metadata.annotations?.[OPERATION_ANNOTATION], undefined);
  const checks = [
    { name: 'swap', target: 'host', severity: 'warning', message: 'swap is on', ignored: false },
  ];
  const preflight = { status: 'ok', checks, summary: '1 warning' };
  const [passed] = await Promise.all([
    fleet.run(machinePreflight, 'a'),
    fleet.answer('a', 'Complete', { preflight }),
  ]);
  assert.equal(passed, 0);
  assert.match(fleet.output, /warning {2}swap host {2}swap is on\na: ok, 1 warning\n$/);
  const failing = assert.rejects(fleet.run(machineReboot, 'a'), (error: Error) => {
    assert.ok(error instanceof CommandError, String(error));
    assert.match(error.message, /Reboot failed: Reboot on a/);
    return true;
  });
  await fleet.answer('a', 'Failed');
  await failing;
});

test('logs come here as an archive, and go with the operation', async (t) => {
  const fleet = await Fleet.start(t);
  await fleet.machine('a');
  const file = join(fleet.root, 'logs.tar.gz');
  assert.equal(await fleet.run(machineCollectLogs, 'a', '-o', file), 0);
  const text = gunzipSync(readFileSync(file)).toString('latin1');
  assert.ok(text.includes('var/log/windlass-services/web.service.log'));
  assert.ok(text.includes('it runs') && !text.includes('abc123'));
  const [operation] = await fleet.list<MachineOperation>(MACHINE_OPERATIONS);
  assert.ok(operation);
  const kept = (await fleet.list(SECRETS)).map(({ metadata }) => metadata.name);
  assert.ok(kept.includes(operation.status?.results?.[0]?.logs?.secretName ?? ''), kept.join());
  const { client, signal } = fleet.plane;
  await client.delete(MACHINE_OPERATIONS, 'default', operation.metadata.name, {}, signal);
  await eventually('the operation and its Secret are gone', async () => {
    assert.deepEqual(await fleet.list(MACHINE_OPERATIONS), []);
    const left = (await fleet.list(SECRETS)).filter(({ metadata }) =>
      metadata.name.endsWith('-logs'),
    );
    assert.deepEqual(left, []);
  });
});

test('the machine controller does what it is asked', async (t) => {
  const fleet = await Fleet.start(t, 'machine');
  await fleet.machine('a');
  assert.equal(await fleet.run(machinePreflight, 'a'), 0, fleet.output);
  assert.match(fleet.output, / {2}a {2}Complete/);
  assert.match(fleet.output, /\na: ok/);
});

test('the plan of a dry run goes to the writer it was given [k0sctl-027]', async (t) => {
  const fleet = await Fleet.start(t);
  const file = join(fleet.root, 'machine.yaml');
  writeFileSync(
    file,
    'apiVersion: windlass.dev/v1alpha1\nkind: Machine\nmetadata: {name: planned}\nspec: {role: worker, version: "1"}\n',
  );
  const written = t.mock.method(process.stdout, 'write', () => true);
  try {
    assert.equal(await fleet.run(machinePlan, '-f', file), 0);
  } finally {
    written.mock.restore();
  }
  assert.match(fleet.output, /machine\/planned/);
  const elsewhere = written.mock.calls.map(({ arguments: [text] }) => String(text)).join('');
  assert.ok(!elsewhere.includes('planned'), elsewhere);
  assert.deepEqual(await fleet.list(MACHINES), [], 'nothing was stored');
});

test('the example does what it says', async (t) => {
  const fleet = await Fleet.start(t);
  await fleet.machine('demo');
  const { client, signal } = fleet.plane;
  const path = join(projectRoot, 'deploy/examples/machine-operations/operations.yaml');
  for (const document of parseAllDocuments(readFileSync(path, 'utf8')))
    await client.create(MACHINE_OPERATIONS, 'default', document.toJS() as object, signal);
  assert.equal(await fleet.answer('demo', 'Complete'), 'Preflight');
  await eventually('both are complete', async () => {
    const operations = await fleet.list<MachineOperation>(MACHINE_OPERATIONS);
    assert.deepEqual(
      operations.map(({ metadata, status }) => [metadata.name, status?.phase]),
      [
        ['demo-logs', 'Complete'],
        ['demo-preflight', 'Complete'],
      ],
    );
  });
});

test('what is wrong is told at once', async (t) => {
  const fleet = await Fleet.start(t);
  const { client, signal } = fleet.plane;
  await assert.rejects(
    fleet.run(machineReboot, 'nope'),
    /there is no Machine nope in namespace default/,
  );
  await assert.rejects(fleet.run(machineReboot), UsageError);
  await assert.rejects(fleet.run(machineReboot, 'a', '-l', 'x=y'), UsageError);
  await assert.rejects(fleet.run(machineReboot, 'a', '--deadline', 'soon'), UsageError);
  await assert.rejects(fleet.run(machineReset, 'a'), /nobody is there to ask/);
  const create = (spec: object): Promise<ApiObject> =>
    client.create(
      MACHINE_OPERATIONS,
      'default',
      {
        apiVersion: 'windlass.dev/v1alpha1',
        kind: 'MachineOperation',
        metadata: { generateName: 'x-', namespace: 'default' },
        spec,
      },
      signal,
    );
  await assert.rejects(create({ type: 'Reboot' }), /exactly one of machineRef and selector/);
  await assert.rejects(create({ type: 'Explode', machineRef: { name: 'a' } }), RequestError);
  await assert.rejects(
    create({ type: 'Stop', machineRef: { name: 'a' }, deadline: 'soon' }),
    RequestError,
  );
  const { metadata } = await create({ type: 'Stop', machineRef: { name: 'nope' }, deadline: '1s' });
  await assert.rejects(
    client.patch(
      MACHINE_OPERATIONS,
      'default',
      metadata.name,
      '',
      'merge',
      { spec: { type: 'Start' } },
      signal,
    ),
    /make another MachineOperation/,
  );
  await eventually('it has failed', async () => {
    const { status } = await client.get<MachineOperation>(
      MACHINE_OPERATIONS,
      'default',
      metadata.name,
      signal,
    );
    assert.equal(status?.phase, 'Failed');
    assert.match(status?.message ?? '', /deadline has passed: there is no such Machine/);
  });
  assert.ok(existsSync(fleet.root));
});
