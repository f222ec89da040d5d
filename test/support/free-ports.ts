// Ports that nobody has and no other test is given, for what must be told its port before it listens.
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import type { ListenOptions } from 'node:net';

/**
 * Below those that Linux gives to connections and to whoever listens on port 0, so that none is taken in between, and below those that
 * the process runtime gives to its instances.
 */
const LOWEST = 11_000;
const HIGHEST = 18_000;
const ATTEMPTS = 1_000;

/** A TCP port of any address of this machine. It stays this process's own to its end. */
export function freePort(): Promise<number> {
  return freePorts(1);
}

/** Ports next to each other, for what takes the next one by itself. @returns the first of `count` */
export async function freePorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const first = randomInt(LOWEST, HIGHEST - count);
    if (await areMine(Array.from({ length: count }, (_, at) => first + at))) return first;
  }
  throw new Error(`no ${count} ports next to each other are free`);
}

async function areMine(ports: readonly number[]): Promise<boolean> {
  for (const port of ports) if (!((await isFree(port)) && (await isClaimed(port)))) return false;
  return true;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '0.0.0.0', exclusive: true }, () =>
      server.close(() => resolve(true)),
    );
  });
}

/** Tests are processes: a name that only one process can have, and that is free again when it ends in whatever way, is a socket's. */
function isClaimed(port: number): Promise<boolean> {
  if (process.platform !== 'linux') return Promise.resolve(true);
  const name: ListenOptions = { path: `\0windlass-test-port-${port}` };
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(name, () => resolve(true)).unref();
  });
}
