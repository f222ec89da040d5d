// Debian's docker-registry (the distribution project's own) on a free port of this machine, with or without a password.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from './eventually.ts';
import { freePort } from './free-ports.ts';

const run = promisify(execFile);

export interface TestRegistry {
  /** `127.0.0.1:port`, the first part of its images' names. */
  readonly address: string;
  close(): Promise<void>;
}

/** Why none can be had here; undefined when all is there. */
export async function missingForRegistry(): Promise<string | undefined> {
  for (const program of ['docker-registry', 'htpasswd']) {
    const found = await run('which', [program]).then(
      () => true,
      () => false,
    );
    if (!found) return `needs ${program}`;
  }
  return undefined;
}

/** @param login `name:password` that it asks for; absent: open to all */
export async function startRegistry(login?: string): Promise<TestRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'windlass-registry-'));
  const address = `127.0.0.1:${await freePort()}`;
  if (login !== undefined) {
    const [name = '', password = ''] = login.split(':');
    const { stdout } = await run('htpasswd', ['-nbB', name, password]);
    await writeFile(join(folder, 'htpasswd'), stdout.trim());
  }
  const auth =
    login === undefined ? {} : { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } };
  const config = {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
    http: { addr: address },
    ...(login === undefined ? {} : { auth }),
  };
  // JSON is YAML.
  await writeFile(join(folder, 'config.yml'), JSON.stringify(config));
  const registry = spawn('docker-registry', ['serve', join(folder, 'config.yml')], {
    stdio: 'ignore',
  });
  const gone = once(registry, 'exit');
  const close = async (): Promise<void> => {
    if (registry.exitCode === null && registry.kill('SIGTERM')) await gone;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await eventually('docker-registry answers', async () => {
      const answer = await fetch(`http://${address}/v2/`);
      await answer.arrayBuffer();
    });
  } catch (error) {
    await close();
    throw error;
  }
  return { address, close };
}
