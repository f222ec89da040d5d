// On which addresses the processes of a container listen, so that port forwarding reaches their ports and nothing else of this machine.
// Linux only, from /proc: sockets that listen have an inode, and processes have it open.
import { readdir, readFile, readlink } from 'node:fs/promises';

export interface ListeningSocket {
  readonly inode: string;
  readonly port: number;
  /** To connect to: the loopback of the family when it listens everywhere. */
  readonly host: string;
}

const LISTEN = '0A';

/** Parses /proc/net/tcp or tcp6: those that listen. Addresses are in hexadecimal, each 32 bits in the machine's (little) order. */
export function parseListening(text: string): readonly ListeningSocket[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
      const [address = '', port = ''] = local.split(':');
      if (state !== LISTEN || inode === undefined) return [];
      const host = address.length === 8 ? ipv4(address) : ipv6(address);
      return host === undefined ? [] : [{ inode, port: Number.parseInt(port, 16), host }];
    });
}

function ipv4(hex: string): string {
  const text = [...Buffer.from(hex, 'hex')].toReversed().join('.');
  return text === '0.0.0.0' ? '127.0.0.1' : text;
}

function ipv6(hex: string): string | undefined {
  if (hex.length !== 32) return undefined;
  const words = [0, 8, 16, 24].map((at) => {
    const bytes = [...Buffer.from(hex.slice(at, at + 8), 'hex')];
    return Buffer.from(bytes.toReversed()).toString('hex');
  });
  const groups = words.flatMap((word) => [word.slice(0, 4), word.slice(4)]);
  const text = groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':');
  return text === '0:0:0:0:0:0:0:0' ? '::1' : text;
}

/** Where one of the processes listens on the port; undefined when none does. */
export async function findListener(
  pids: readonly number[],
  port: number,
): Promise<{ readonly host: string; readonly port: number } | undefined> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')),
  );
  const sockets = tables.flatMap(parseListening).filter((socket) => socket.port === port);
  if (sockets.length === 0) return undefined;
  const open = new Set((await Promise.all(pids.map(inodesOf))).flat());
  const found = sockets.find(({ inode }) => open.has(inode));
  return found && { host: found.host, port };
}

async function inodesOf(pid: number): Promise<readonly string[]> {
  const folder = `/proc/${pid}/fd`;
  const names = await readdir(folder).catch((): string[] => []);
  const links = await Promise.all(
    names.map((name) => readlink(`${folder}/${name}`).catch(() => '')),
  );
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}
