// Stays in a network of its own for as long as own-network.ts wants it, and hands over sockets that listen there.
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';

// It ends when the other end of the channel does.
process.channel?.ref();
execFileSync('ip', ['link', 'set', 'lo', 'up']);
for (const port of process.argv.slice(2)) {
  const server = createServer();
  server.listen(Number(port), '127.0.0.1', () =>
    process.send?.(port, server, () => server.close()),
  );
}
