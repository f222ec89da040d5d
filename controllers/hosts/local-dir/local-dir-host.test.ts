import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { hostConformance } from '../conformance.ts';
import { until } from '../host-harness.ts';
import type { HostHarness } from '../host-harness.ts';
import { HostCommandError, HostUnreachableError } from '../host-errors.ts';
import { LocalDirHost } from './local-dir-host.ts';

const { signal } = new AbortController();

async function open(): Promise<{ readonly host: LocalDirHost; readonly root: string }> {
  const root = tempDir();
  await mkdir(join(root, 'usr/local/bin'), { recursive: true });
  return {
    root,
    host: await LocalDirHost.open({ path: root, clock: systemClock, ids: systemIds }),
  };
}

async function script(root: string, name: string, text: string): Promise<string> {
  await writeFile(join(root, 'usr/local/bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return name;
}

async function isRunning(root: string, name: string): Promise<boolean> {
  const pid = await readFile(join(root, name), 'utf8').catch(() => '');
  const state = await readFile(`/proc/${pid.trim()}/stat`, 'utf8').catch(() => '');
  return pid !== '' && state !== '' && !/\) [ZX] /.test(state);
}

hostConformance({
  test,
  name: 'local-dir',
  async open(context: TestContext): Promise<HostHarness> {
    const { host, root } = await open();
    const base = '/srv/test';
    await mkdir(join(root, base), { recursive: true });
    context.after(() => host.services.uninstall('windlass-conformance.service', signal));
    return {
      host,
      base,
      commands: {
        printArguments: [await script(root, 'arguments', `printf '%s\\n' "$@"`)],
        exitWith3: [await script(root, 'three', 'exit 3')],
        copyInput: ['cat'],
        printEnvironment: [await script(root, 'environment', 'env')],
        flood: ['head', '-c', '2097152', await zeros(root)],
        hang: [await script(root, 'hang', 'echo $$ >"$HOST_ROOT/hang.pid"; sleep 600; true')],
      },
      isHanging: () => isRunning(root, 'hang.pid'),
      link: (path, target) => symlink(target, join(root, path)),
      units: {
        running: '[Service]\nExecStart=/bin/sleep 600\n',
        failing: '[Service]\nType=oneshot\nExecStart=/bin/false\n',
      },
    };
  },
});

async function zeros(root: string): Promise<string> {
  await writeFile(join(root, 'zeros'), Buffer.alloc(2 << 20, '0'));
  return '/zeros';
}

test('links lead where the host would see them, and never out of the folder', async () => {
  const { host, root } = await open();
  await symlink('/etc', join(root, 'absolute'));
  await symlink('../../../../etc', join(root, 'climbing'));
  await symlink('round', join(root, 'round'));
  assert.equal(await host.readFile('/absolute/passwd', signal), undefined);
  await host.putFile('/absolute/own', 'x', { signal });
  assert.equal(await readFile(join(root, 'etc/own'), 'utf8'), 'x');
  for (const path of ['/climbing/passwd', '/round/x']) {
    await assert.rejects(host.readFile(path, signal), HostCommandError);
    await assert.rejects(host.putFile(path, 'x', { signal }), HostCommandError);
    await assert.rejects(host.remove(path, signal), HostCommandError);
    await assert.rejects(host.exec(['cat', path], { signal }), HostCommandError);
  }
});

test('lent programs see the paths of the host', async () => {
  const { host, root } = await open();
  await host.putFile('/data/one', 'one', { signal });
  const run = async (...command: string[]): Promise<void> => {
    const { exitCode, stderr } = await host.exec(command, { signal });
    assert.equal(exitCode, 0, stderr);
  };
  await run('tar', '-cf', '/data.tar', '--directory=/data', 'one');
  await run('mkdir', '-p', '/copy');
  await run('/usr/bin/tar', '-xf', '/data.tar', '-C', '/copy');
  await run('ln', '-s', '/dev/null', '/copy/masked');
  assert.equal(await readFile(join(root, 'copy/one'), 'utf8'), 'one');
  assert.deepEqual(await host.exec(['readlink', '/copy/masked'], { signal }), {
    exitCode: 0,
    stdout: '/dev/null\n',
    stderr: '',
  });
  for (const stranger of ['sh', 'curl', '/bin/sh', 'env', 'find'])
    assert.equal((await host.exec([stranger, '-c', 'true'], { signal })).exitCode, 127);
  await assert.rejects(host.exec(['cat', '../../etc/passwd'], { signal }), HostCommandError);
});

test('what a killed writer left is removed by a later one, unless it may still be written', async () => {
  const { host, root } = await open();
  const old = join(root, 'file.windlass-tmp-00');
  await writeFile(old, 'half');
  await utimes(old, 1, 1);
  await writeFile(join(root, 'file.windlass-tmp-01'), 'being written');
  await host.putFile('/file', 'whole', { signal });
  assert.deepEqual((await readdir(root)).filter((name) => name.startsWith('file')).toSorted(), [
    'file',
    'file.windlass-tmp-01',
  ]);
});

test('a service outlives its driver, comes again after its end where the unit says so, and ends whole', async (context) => {
  const { host, root } = await open();
  await script(root, 'serve', 'echo $$ >>"$HOST_ROOT/pids"; echo "$1 $2"; sleep 600');
  const unit = 'web@blue.service';
  await host.services.install(
    'web@.service',
    '[Service]\nEnvironment="GREETING=good day"\nExecStart=serve "${GREETING}" %i\nRestart=always\nRestartSec=50ms\n',
    signal,
  );
  context.after(() => host.services.uninstall(unit, signal));
  await host.services.start(unit, signal);
  const pids = async (): Promise<readonly number[]> => {
    const text = await readFile(join(root, 'pids'), 'utf8').catch(() => '');
    return text.split('\n').filter(Boolean).map(Number);
  };
  await until(async () => (await pids()).length === 1);
  const again = await LocalDirHost.open({ path: root, clock: systemClock, ids: systemIds });
  assert.equal((await again.services.state(unit, signal)).isActive, true);
  process.kill((await pids())[0] ?? 0, 'SIGKILL');
  await until(async () => (await pids()).length === 2);
  await again.services.stop(unit, signal);
  assert.equal((await again.services.state(unit, signal)).isActive, false);
  const alive = await Promise.all((await pids()).map((pid) => stateOf(pid)));
  assert.deepEqual(alive, ['gone', 'gone']);
  assert.match(
    await readFile(join(root, 'var/log/windlass-services', `${unit}.log`), 'utf8'),
    /^good day blue\n/,
  );
});

async function stateOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return text === '' || /\) [ZX] /.test(text) ? 'gone' : text;
}

test('a folder that is not there cannot be reached, and this machine is no folder', async () => {
  const wiring = { clock: systemClock, ids: systemIds };
  await assert.rejects(
    LocalDirHost.open({ path: '/no/such/folder', ...wiring }),
    HostUnreachableError,
  );
  await assert.rejects(LocalDirHost.open({ path: '/', ...wiring }), HostCommandError);
  await assert.rejects(LocalDirHost.open({ path: '/etc/passwd', ...wiring }), HostCommandError);
});
