// Ports of the loopback interface: finding one that nobody has, and asking whether one is taken.
import { createServer } from 'node:net';
import type { IdSource } from '#platform/id.ts';

function listen(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      const found = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(found));
    });
  });
}

/**
 * Below the ports that systems take for outgoing connections (32768 and up on Linux, 49152 elsewhere): one of those could be taken
 * by somebody's connection before the program listens on it, and a connection to a port that nobody listens on any more could
 * meet itself.
 */
const FIRST = 20_000;
const LAST = 32_767;
const ATTEMPTS = 200;
const recentlyGiven: number[] = [];

/** A free TCP port on 127.0.0.1; none that was given out shortly before and may not be listened on yet. */
export async function freePort(ids: IdSource): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = FIRST + (Number.parseInt(ids.hex(8), 16) % (LAST - FIRST + 1));
    if (recentlyGiven.includes(port) || !(await portIsFree(port))) continue;
    recentlyGiven.push(port);
    if (recentlyGiven.length > 256) recentlyGiven.shift();
    return port;
  }
  return listen(0);
}

export async function portIsFree(port: number): Promise<boolean> {
  try {
    await listen(port);
    return true;
  } catch {
    return false;
  }
}
