// A Docker Engine on a machine of a test: in its network namespace, with data and a socket of its own.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import type { Machine, Machines } from './machines.ts';
import { importNodeImage } from './node-image.ts';

/** Started with an image of Node by the name `node:26-slim`. @returns its address, for DOCKER_HOST */
export async function startMachineEngine(
  machines: Pick<Machines, 'after'>,
  machine: Machine,
  folder: string,
): Promise<string> {
  const home = join(folder, `engine-${machine.name}`);
  mkdirSync(home, { recursive: true });
  const host = `unix://${join(home, 'docker.sock')}`;
  const places = ['--data-root', join(home, 'data'), '--exec-root', join(home, 'exec')];
  const flags = [...places, '--pidfile', join(home, 'pid'), '-H', host, '--shutdown-timeout', '2'];
  const engine = machine.spawn(['dockerd', ...flags]);
  machines.after(async () => {
    const gone = once(engine, 'exit');
    if (engine.exitCode === null && engine.kill('SIGTERM')) await gone;
  });
  await eventually('the Engine answers', () => {
    if (engine.exitCode !== null) throw new Error('dockerd ended');
    execFileSync('docker', ['-H', host, 'version'], { stdio: 'ignore' });
  });
  importNodeImage(host, 'node:26-slim', home);
  return host;
}
