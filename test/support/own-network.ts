// A network of its own for a program that minds what becomes of the machine's: Chromium fails what it has under way (ERR_NETWORK_CHANGED)
// whenever an address comes or goes anywhere, as tests beside it make them. In there is nothing but a loopback, and on that the ports that
// were asked for, which lead to the same ports of this machine.
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { tempDir } from './temp-dir.ts';

export interface OwnNetwork {
  /** A program that runs `program` in it. */
  readonly executable: string;
  close(): void;
}

/** Undefined where there cannot be one: not root, not Linux, or a container that may not. */
export async function ownNetwork(
  program: string,
  ports: readonly number[],
): Promise<OwnNetwork | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
  const child = fork(new URL('own-network-child.mjs', import.meta.url), ports.map(String), {
    execPath: 'unshare',
    execArgv: ['--net', process.execPath],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const servers = await listening(child, ports);
  if (servers === undefined) return undefined;
  const executable = join(tempDir(), 'in-own-network');
  const script = `#!/bin/sh\nexec nsenter --net=/proc/${child.pid}/ns/net '${program}' "$@"\n`;
  writeFileSync(executable, script, { mode: 0o755 });
  return {
    executable,
    close() {
      for (const server of servers) server.close();
      child.disconnect();
    },
  };
}

/** Sockets that listen there, and are answered here. */
function listening(
  child: ChildProcess,
  ports: readonly number[],
): Promise<readonly Server[] | undefined> {
  return new Promise((resolve) => {
    const servers: Server[] = [];
    child.once('error', () => resolve(undefined));
    child.once('exit', () => resolve(undefined));
    child.on('message', (port, handle) => {
      const server = handle as Server;
      servers.push(server);
      server.on('connection', (inside) => {
        const outside = connect(Number(port), '127.0.0.1');
        for (const socket of [inside, outside]) socket.on('error', () => socket.destroy());
        inside.on('close', () => outside.destroy());
        outside.on('close', () => inside.destroy());
        inside.pipe(outside).pipe(inside);
      });
      if (servers.length === ports.length) resolve(servers);
    });
  });
}
