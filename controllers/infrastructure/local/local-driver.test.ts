import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { eventually } from '#test/support/eventually.ts';
import { needs } from '#test/support/missing-part.ts';
import { throwFailures } from '../each-node.ts';
import { InvalidRequest, ProviderUnavailable } from '../errors.ts';
import { nodeLabels } from '../label-scheme.ts';
import { LabelledProvider } from '../labelled-provider.ts';
import type { NodeRequest, NodeResult } from '../provider.ts';
import { providerConformance } from '../provider-conformance.ts';
import { LocalDriver } from './local-driver.ts';

const signal = AbortSignal.timeout(600_000);
const folder = await mkdtemp(join(tmpdir(), 'windlass-local-'));
const stateDirectory = join(folder, 'nodes');
const command = ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.2; done'];

function open(settings: Readonly<Record<string, string>> = {}): LabelledProvider {
  return new LabelledProvider({
    driver: new LocalDriver({
      settings: { stateDirectory, stopGraceSeconds: '20', ...settings },
      clock: systemClock,
      ids: systemIds,
    }),
    clock: systemClock,
    limits: { parallel: 4, nodeTimeoutMs: 120_000 },
    labelScheme: 'windlass',
    adoptedClusters: [],
  });
}

const cluster = { name: 'dev', uid: 'uid-local' };
const request = (name: string, change: Partial<NodeRequest> = {}): NodeRequest => ({
  name,
  machineUID: `machine-${name}`,
  pool: 'main',
  role: 'worker',
  command,
  ...change,
});

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const missing = process.platform === 'linux' ? undefined : 'nodes as processes need Linux';
if (missing !== undefined) {
  test('local: conformance', needs(missing), () => assert.fail(missing));
} else {
  after(async () => {
    const provider = open();
    for (const { name, clusterName, clusterUID = '' } of await provider.listAllNodes(signal))
      await provider.deleteNodes({ name: clusterName, uid: clusterUID }, signal, { nodes: [name] });
    await rm(folder, { recursive: true, force: true });
  });

  providerConformance({
    test,
    name: 'local',
    open: () =>
      Promise.resolve({
        provider: open(),
        request: { command },
        reopen: () => Promise.resolve(open()),
        plant: async (name, labels) => {
          await mkdir(join(stateDirectory, name), { recursive: true });
          const record = { labels, command, environment: {} };
          await writeFile(join(stateDirectory, name, 'node.json'), JSON.stringify(record));
        },
        isThere: (name) => isThere(join(stateDirectory, name, 'node.json')),
      }),
  });

  test('local: a node outlives a controller that is killed, and is found again', async () => {
    const program = `
      import { LocalDriver } from ${JSON.stringify(join(import.meta.dirname, 'local-driver.ts'))};
      import { nodeLabels } from ${JSON.stringify(join(import.meta.dirname, '../label-scheme.ts'))};
      import { systemClock } from '#platform/clock.ts';
      import { systemIds } from '#platform/id.ts';
      setInterval(() => {}, 1000);
      const request = ${JSON.stringify(request('orphan'))};
      const cluster = ${JSON.stringify(cluster)};
      const driver = new LocalDriver({ settings: { stateDirectory: ${JSON.stringify(stateDirectory)} }, clock: systemClock, ids: systemIds });
      await driver.create(cluster, request, nodeLabels(cluster, request), new AbortController().signal);
      process.stdout.write('made');
`;
    const controller = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: import.meta.dirname,
    });
    await once(controller.stdout, 'data');
    const gone = once(controller, 'exit');
    controller.kill('SIGKILL');
    await gone;
    const provider = open();
    const [node] = await provider.listNodes(cluster, signal);
    assert.deepEqual([node?.name, node?.state], ['orphan', 'running']);
    const before = await readFile(join(stateDirectory, 'orphan', 'process'), 'utf8');
    const results = await provider.createNodes(cluster, [request('orphan')], signal);
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ['skipped'],
    );
    assert.equal(await readFile(join(stateDirectory, 'orphan', 'process'), 'utf8'), before);
    throwFailures('delete', await provider.deleteNodes(cluster, signal));
    await assert.rejects(access(`/proc/${Number.parseInt(before, 10)}/cwd`));
  });

  test('local: what a node runs is what was asked for last, from its next start on', async () => {
    const provider = open();
    const ask = (seconds: string): Promise<readonly NodeResult[]> =>
      provider.createNodes(
        cluster,
        [{ ...request('changed'), command: ['sleep', seconds] }],
        signal,
      );
    const outcome = async (seconds: string): Promise<string | undefined> =>
      (await ask(seconds))[0]?.outcome;
    const runs = async (): Promise<string> => {
      const text = await readFile(join(stateDirectory, 'changed', 'process'), 'utf8');
      const line = await readFile(`/proc/${Number.parseInt(text, 10)}/cmdline`, 'utf8');
      return line.replaceAll('\0', ' ').trim();
    };
    assert.equal(await outcome('601'), 'done');
    assert.equal(await outcome('601'), 'skipped');
    assert.equal(await outcome('602'), 'done');
    assert.equal(await runs(), 'sleep 601', 'nothing was disturbed');
    await provider.stopNodes(cluster, signal);
    throwFailures('start', await provider.startNodes(cluster, signal));
    assert.equal(await runs(), 'sleep 602');
    assert.equal(await outcome('602'), 'skipped');
    throwFailures('delete', await provider.deleteNodes(cluster, signal));
  });

  test('local: another process with the pid of a node is not the node, and is not told to end', async () => {
    const provider = open();
    throwFailures('create', await provider.createNodes(cluster, [request('reused')], signal));
    await provider.stopNodes(cluster, signal);
    const other = spawn('sleep', ['600'], { stdio: 'ignore', detached: true });
    try {
      const stat = await readFile(`/proc/${other.pid}/stat`, 'utf8');
      const fields = stat.trim().split(' ');
      fields[21] = String(Number(fields[21]) - 1);
      await writeFile(join(stateDirectory, 'reused', 'process'), fields.join(' '));
      assert.equal((await provider.listNodes(cluster, signal))[0]?.state, 'stopped');
      throwFailures('delete', await provider.deleteNodes(cluster, signal));
      assert.equal(other.exitCode, null);
      assert.ok(await isThere(`/proc/${other.pid}/stat`));
    } finally {
      const gone = once(other, 'exit');
      other.kill('SIGKILL');
      await gone;
    }
  });

  test('local: one that does not hear is killed after its grace, with what it started', async () => {
    const provider = open({ stopGraceSeconds: '0' });
    const deaf = [
      'sh',
      '-c',
      'trap "" TERM; sh -c "trap \\"\\" TERM; echo \\$\\$ > child; sleep 600" & wait',
    ];
    throwFailures(
      'create',
      await provider.createNodes(cluster, [request('deaf', { command: deaf })], signal),
    );
    const child = await eventually('a child', async () => {
      const pid = Number(await readFile(join(stateDirectory, 'deaf', 'data', 'child'), 'utf8'));
      assert.ok(pid > 0);
      return pid;
    });
    throwFailures('stop', await provider.stopNodes(cluster, signal));
    await eventually('the child ends', async () => {
      const stat = await readFile(`/proc/${child}/stat`, 'utf8').catch(() => 'gone');
      assert.match(stat, /gone|\) Z /);
    });
    throwFailures('delete', await provider.deleteNodes(cluster, signal));
  });

  test('local: a program that ends at once is a failed node with the end of its log', async () => {
    const provider = open();
    const broken = ['sh', '-c', 'echo no such thing >&2; exit 7'];
    const [result] = await provider.createNodes(
      cluster,
      [request('broken', { command: broken })],
      signal,
    );
    // It ran for a moment: seen running, or seen ended with its reason.
    if (result?.outcome === 'failed')
      assert.match(String(result.error), /exit code 7.*no such thing/s);
    await eventually('it is stopped', async () => {
      assert.equal((await provider.getClusterStatus(cluster, signal))?.phase, 'stopped');
    });
    const absent = request('absent', { command: ['/nonexistent/program'] });
    await provider.createNodes(cluster, [absent], signal);
    throwFailures('delete', await provider.deleteNodes(cluster, signal));
    assert.deepEqual(await provider.listNodes(cluster, signal), []);
  });

  test('local: what a crash left half made goes with the cluster; folders of others stay', async () => {
    const provider = open();
    const labels = nodeLabels(cluster, request('half'));
    for (const [name, content] of [
      ['.half.123456789abc', JSON.stringify({ labels, command, environment: {} })],
      ['.other', '{"labels":{}}'],
      ['notes', 'not json'],
    ] as const) {
      await mkdir(join(stateDirectory, name), { recursive: true });
      await writeFile(join(stateDirectory, name, 'node.json'), content);
    }
    assert.deepEqual(await provider.listNodes(cluster, signal), []);
    throwFailures('delete', await provider.deleteNodes(cluster, signal));
    const left = await readdir(stateDirectory);
    assert.ok(!left.includes('.half.123456789abc'));
    assert.ok(left.includes('.other') && left.includes('notes'));
  });

  test('local: settings that cannot be are named', async () => {
    for (const [settings, message] of [
      [{ stateDirectory: 'relative' }, /settings\.stateDirectory: "relative" is no absolute path/],
      [{ command: 'sleep 1' }, /settings\.command: "sleep 1" is no JSON list/],
      [{ stopGraceSeconds: '-1' }, /settings\.stopGraceSeconds: "-1"/],
      [{ comand: '[]' }, /settings\.comand: no such setting/],
    ] as const)
      assert.throws(
        () => open(settings),
        (error: unknown) => {
          assert.ok(error instanceof InvalidRequest);
          assert.match(error.message, message);
          return true;
        },
      );
    const escape = request('../escape');
    await assert.rejects(open().createNodes(cluster, [escape], signal), InvalidRequest);
    await writeFile(join(folder, 'file'), '');
    const blocked = open({ stateDirectory: join(folder, 'file') });
    await assert.rejects(blocked.checkCredentials(signal), ProviderUnavailable);
  });
}
