// A Docker Engine of the tests' own: its own bridge, data and socket, an image made of the static busybox. Needs root, dockerd, docker,
// ip and busybox; where they are missing, docker.test.ts is skipped by name, and fails in CI.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, copyFile, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sleep, systemClock } from '#platform/clock.ts';

const run = promisify(execFile);
const MOST_STARTS = 5;
export const TEST_IMAGE = 'windlass-test:local';

export interface TestEngine {
  /** For DOCKER_HOST. */
  readonly host: string;
  close(): Promise<void>;
}

export interface EngineSettings {
  /** Tells apart the Engines of one process; 0 when absent. */
  readonly index?: number;
  /** A registry without TLS that it may use, as `127.0.0.1:5000`. */
  readonly registry?: string;
}

/** Why none can be had here; undefined when all is there. */
export async function missingForEngine(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs Linux and root';
  for (const program of ['dockerd', 'docker', 'ip', 'busybox']) {
    if (
      await run('which', [program]).then(
        () => false,
        () => true,
      )
    )
      return `needs ${program}`;
  }
  return undefined;
}

export async function startEngine({
  registry,
  index = 0,
}: EngineSettings = {}): Promise<TestEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'windlass-docker-'));
  const number = await freeNumber(process.pid + index * 83);
  const bridge = `wlt${process.pid}${index === 0 ? '' : `n${index}`}`.slice(0, 15);
  const socket = join(folder, 'docker.sock');
  const host = `unix://${socket}`;
  await run('ip', ['link', 'add', bridge, 'type', 'bridge']);
  await run('ip', ['addr', 'add', `172.30.${number}.1/24`, 'dev', bridge]);
  await run('ip', ['link', 'set', bridge, 'up']);
  const places = ['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')];
  const socketFlags = ['--pidfile', join(folder, 'pid'), '-H', host, '--shutdown-timeout', '2'];
  const noRules = ['--bridge', bridge, '--iptables=false', '--ip6tables=false', '--ip-masq=false'];
  // Networks that are asked for without a subnet: other Engines of other tests have theirs.
  const pool = ['--default-address-pool', `base=172.29.${number}.0/24,size=28`];
  const insecure = registry === undefined ? [] : ['--insecure-registry', registry];
  const flags = [...places, ...socketFlags, ...noRules, ...pool, ...insecure];
  let engine = spawn('dockerd', flags, { stdio: 'ignore' });
  const close = async (): Promise<void> => {
    const gone = once(engine, 'exit');
    if (engine.exitCode === null && engine.kill('SIGTERM')) await gone;
    await run('ip', ['link', 'del', bridge]).catch(() => undefined);
    await endLeftBehind(folder);
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  };
  try {
    for (let starts = 1; !(await answers(host, engine)); starts += 1) {
      // Where much else happens its containerd is too slow for it, and it gives up by itself.
      if (engine.exitCode === null || starts === MOST_STARTS)
        throw new Error(`dockerd did not come up, started ${starts} times`);
      await endLeftBehind(folder);
      engine = spawn('dockerd', flags, { stdio: 'ignore' });
    }
    await importImage(host, folder);
  } catch (error) {
    await close();
    throw error;
  }
  return { host, close };
}

/** Containers that the Engine did not end in its time, and what it and they left mounted. */
async function endLeftBehind(folder: string): Promise<void> {
  const shims = await run('pgrep', ['-f', `containerd-shim.* ${folder}/`]).then(
    ({ stdout }) => stdout.split('\n').filter((pid) => pid !== ''),
    () => [],
  );
  for (const shim of shims) {
    await run('pkill', ['-9', '-P', shim]).catch(() => undefined);
    await run('kill', ['-9', shim]).catch(() => undefined);
  }
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(`${folder}/`));
  // What lies in another mount first.
  for (const path of mounts.toReversed()) await run('umount', ['-l', path]).catch(() => undefined);
}

/** Third number of a subnet that no other Engine of a test has. Begins at `wish`, so that two that look at once find two. */
async function freeNumber(wish: number): Promise<number> {
  const { stdout } = await run('ip', ['-o', '-4', 'addr', 'show']);
  for (let offset = 0; offset < 250; offset += 1) {
    const number = (wish + offset) % 250;
    if (!stdout.includes(` 172.30.${number}.`)) return number;
  }
  throw new Error('172.30.0.0/16 is full of Engines of tests');
}

/** False: it ended, or is still silent after a long time. */
async function answers(host: string, engine: ReturnType<typeof spawn>): Promise<boolean> {
  for (let attempt = 0; attempt < 600 && engine.exitCode === null; attempt += 1) {
    const up = await run('docker', ['-H', host, 'version']).then(
      () => true,
      () => false,
    );
    if (up) return true;
    await sleep(systemClock, 100);
  }
  return false;
}

async function importImage(host: string, folder: string): Promise<void> {
  const root = join(folder, 'image');
  await mkdir(join(root, 'bin'), { recursive: true });
  await mkdir(join(root, 'tmp'));
  const { stdout } = await run('which', ['busybox']);
  await access(stdout.trim());
  await copyFile(stdout.trim(), join(root, 'bin/busybox'));
  for (const name of 'sh cat echo sleep env true nc hostname id stat touch ps test ls stty tar tr grep'.split(
    ' ',
  )) {
    await symlink('busybox', join(root, 'bin', name));
  }
  await run('tar', ['-C', root, '-cf', join(folder, 'image.tar'), '.']);
  const change = ['--change', 'ENV PATH=/bin', '--change', 'CMD ["sh"]'];
  await run('docker', ['-H', host, 'import', ...change, join(folder, 'image.tar'), TEST_IMAGE]);
}
