import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { hostChecks } from './host-checks.ts';
import { nodeChecks } from './node-checks.ts';
import { failure, ok, runPreflight, warning } from './preflight.ts';
import type { Checker, PreflightReport } from './preflight.ts';
import { checkNSpawnMachineProvisioning } from './provisioning-check.ts';
import { readOnlyHost } from './read-only-host.ts';
import { NODE, openBench } from './rootfs-fixture.ts';
import type { RootFSBench } from './rootfs-fixture.ts';
import { preflight } from './rootfs-preflight.ts';

const { signal } = new AbortController();
const STRICT = { ignore: [], failOnWarnings: false };

function briefOf({ checks }: PreflightReport): readonly string[] {
  return checks.map(
    ({ name, severity, ignored }) => `${name} ${severity}${ignored ? ' ignored' : ''}`,
  );
}

test('all checks run at once, all are told, in their order [unbounded-060]', async () => {
  let running = 0;
  let most = 0;
  const gate = Promise.withResolvers<void>();
  const check = (name: string, result: ReturnType<typeof ok>): Checker => ({
    name,
    async check() {
      running += 1;
      most = Math.max(most, running);
      if (running === 3) gate.resolve();
      await gate.promise;
      return [result];
    },
  });
  const checkers = [
    check('first', ok('a', 'fine')),
    check('second', failure('b', 'bad')),
    check('third', warning('c', 'hm')),
  ];
  const report = await runPreflight(checkers, STRICT, signal);
  assert.equal(most, 3);
  assert.equal(report.status, 'failed');
  assert.equal(report.summary, '1 ok, 1 warning, 1 error');
  assert.deepEqual(briefOf(report), ['first ok', 'second error', 'third warning']);
});

test('errors that are ignored by name become warnings; warnings may fail; what throws is an error', async () => {
  const checkers: readonly Checker[] = [
    { name: 'Disk', check: async () => [failure('/', 'full')] },
    { name: 'swap', check: async () => [warning('', 'on')] },
  ];
  const played = async (ignore: readonly string[], failOnWarnings = false): Promise<string> => {
    const report = await runPreflight(checkers, { ignore, failOnWarnings }, signal);
    return `${report.status}: ${briefOf(report).join(', ')}`;
  };
  assert.equal(await played([]), 'failed: Disk error, swap warning');
  assert.equal(await played(['DISK, other']), 'ok: Disk warning ignored, swap warning');
  assert.equal(await played(['all'], true), 'failed: Disk warning ignored, swap warning');
  const broken: Checker = { name: 'x', check: () => Promise.reject(new Error('no ss')) };
  const report = await runPreflight([broken], STRICT, signal);
  assert.deepEqual(report.checks, [{ name: 'x', target: '', severity: 'error', message: 'no ss' }]);
});

async function withBench(work: (bench: RootFSBench) => Promise<void>): Promise<void> {
  await using bench = await openBench();
  await work(bench);
}

test('a machine path that is a file is an error [unbounded-066]', () =>
  withBench(async (bench) => {
    const { host, goal } = bench.context();
    const found = async (): Promise<readonly string[]> =>
      (await checkNSpawnMachineProvisioning(host, goal).check(signal)).map(
        ({ severity, message }) => `${severity} ${message}`,
      );
    const [missing] = await found();
    assert.equal(missing, 'ok can be made below /');
    const path = join(bench.hostRoot, 'var/lib/machines');
    await mkdir(path, { recursive: true });
    await writeFile(join(path, 'w1-a'), '');
    assert.match((await found())[0] ?? '', /^error is there and is no folder/);
    const context = bench.context({ slot: 'b' });
    await mkdir(join(path, 'w1-b'));
    await chmod(join(path, 'w1-b'), 0o700);
    const [closed] = await checkNSpawnMachineProvisioning(host, context.goal).check(signal);
    assert.equal(closed?.severity, 'warning');
  }));

test('without a goal there is nothing to check [unbounded-068]', () =>
  withBench(async ({ host }) => {
    const [result] = await checkNSpawnMachineProvisioning(host, undefined).check(signal);
    assert.equal(result?.severity, 'error');
    assert.equal(result.message, 'machine directory is not configured');
  }));

test('artifacts are asked for one by one, never fetched, and every one that is missing is told [unbounded-089]', () =>
  withBench(async (bench) => {
    const context = bench.context();
    bench.releases.missing.add('kubernetes/v1.33.5/bin/linux/amd64/kubectl');
    bench.releases.missing.add('runc/v1.1.12/runc.amd64');
    const before = await contentOf(bench.hostRoot);
    const host = readOnlyHost(context.host);
    const report = await runPreflight(preflight({ ...context, host }), STRICT, signal);
    assert.equal(report.status, 'failed');
    assert.deepEqual(
      report.checks
        .filter(({ severity }) => severity === 'error')
        .map(({ name, target }) => [name, target.split(' ')[0]]),
      [
        ['kubernetes-artifacts', 'kubectl'],
        ['cri-artifacts', 'runc'],
      ],
    );
    assert.ok(!bench.releases.asked.some((line) => line.includes('.sha256')), 'no digests');
    const heads = bench.releases.asked.filter((line) => line.startsWith('HEAD '));
    assert.equal(heads.length, 7, 'one probe for each binary and archive');
    assert.deepEqual(await contentOf(bench.hostRoot), before, 'nothing was written');
  }));

test('an image for another platform is told by the check', () =>
  withBench(async (bench) => {
    const context = bench.context({ spec: { image: 'oci-layout:/nowhere' } });
    const report = await runPreflight(preflight(context), STRICT, signal);
    const image = report.checks.find(({ name }) => name === 'oci-image-reachable');
    assert.equal(image?.severity, 'error');
    assert.match(image.message, /^OCI rootfs image is required: \/nowhere is no OCI layout/);
  }));

test('checks of the host and the node change nothing, whatever the host is like', () =>
  withBench(async (bench) => {
    const { host, goal } = bench.context({ node: { ...NODE, apiServer: 'https://x.test:1' } });
    const probe = async (): Promise<{ readonly status: number }> => ({ status: 503 });
    const checkers = (): readonly Checker[] => {
      const looked = readOnlyHost(host);
      return [
        ...hostChecks(looked, goal),
        ...nodeChecks(looked, goal.node, { probe, isRunning: false }),
      ];
    };
    const files: Readonly<Record<string, string>> = {
      'proc/swaps': 'Filename Type\n/dev/sda2 partition\n',
      'etc/kubernetes/kubelet.conf': 'x',
      'sys/fs/cgroup/cgroup.controllers': 'cpu io pids\n',
    };
    for (const [path, text] of Object.entries(files)) {
      const before = await contentOf(bench.hostRoot);
      await runPreflight(checkers(), STRICT, signal);
      assert.deepEqual(await contentOf(bench.hostRoot), before);
      await mkdir(join(bench.hostRoot, path, '..'), { recursive: true });
      await writeFile(join(bench.hostRoot, path), text);
    }
    const report = await runPreflight(checkers(), STRICT, signal);
    const told = new Map(report.checks.map((check) => [check.name, check]));
    assert.equal(told.get('existing-deployment')?.severity, 'error');
    assert.equal(told.get('swap')?.severity, 'warning');
    assert.match(told.get('cgroups')?.message ?? '', /lacks memory/);
    assert.match(told.get('nspawn-runtime')?.message ?? '', /install systemd-container/);
    assert.equal(told.get('api-server-reachable')?.severity, 'error');
    assert.equal(told.get('kubelet-configuration')?.severity, 'ok');
  }));

test('a check that tries to change something is refused', () =>
  withBench(async ({ host }) => {
    const looked = readOnlyHost(host);
    await assert.rejects(looked.putFile('/x', '', { signal }), /a check may only look/);
    await assert.rejects(looked.exec(['rm', '-r', '/x'], { signal }), /a check may only look/);
    await assert.rejects(looked.services.stop('x.service', signal), /a check may only look/);
  }));

/** Every file below a folder with the digest of what it holds. */
async function contentOf(folder: string): Promise<Readonly<Record<string, string>>> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const entries = await Promise.all(
    names.map(async (entry): Promise<[string, string]> => {
      const path = join(entry.parentPath, entry.name);
      const hash = createHash('sha256');
      return [path, entry.isFile() ? hash.update(await readFile(path)).digest('hex') : 'folder'];
    }),
  );
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
