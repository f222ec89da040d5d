// Ports next to each other that nobody has, for what takes the next one by itself.
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below those that Linux gives to connections, so that none of them is taken in between. */
const LOWEST = 18_000;
const HIGHEST = 32_000;
const ATTEMPTS = 100;

/** @returns the first of `count` */
export async function freePorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const first = randomInt(LOWEST, HIGHEST - count);
    const free = await Promise.all(Array.from({ length: count }, (_, at) => isFree(first + at)));
    if (free.every(Boolean)) return first;
  }
  throw new Error(`no ${count} ports next to each other are free`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
