// Ports of the loopback interface: finding one that nobody has, and asking whether one is taken.
import { createServer } from 'node:net';

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

const recentlyGiven: number[] = [];

/** A free TCP port on 127.0.0.1; none that was given out shortly before and may not be listened on yet. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await listen(0);
    if (recentlyGiven.includes(port)) continue;
    recentlyGiven.push(port);
    if (recentlyGiven.length > 256) recentlyGiven.shift();
    return port;
  }
}

export async function portIsFree(port: number): Promise<boolean> {
  try {
    await listen(port);
    return true;
  } catch {
    return false;
  }
}
