// Asks the resolvers of this machine (/etc/resolv.conf) what is not of the cluster, over the transport that the client used.
import { createSocket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { connect, isIP } from 'node:net';
import type { Clock } from '#platform/clock.ts';
import type { Transport } from './dns-resolver.ts';

export interface DNSForwarderOptions {
  readonly clock: Clock;
  /** In the form of resolv.conf. */
  readonly file: string;
  /** Our own: never asked. */
  readonly isOwn: (address: string) => boolean;
}

const FRESH_MS = 5_000;
const ANSWER_LIMIT_MS = 2_000;
const MOST_AT_A_TIME = 512;
const MOST_SERVERS = 3;

export interface HostResolver {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
}

/** What is understood of the text; the rest is passed over. */
export function parseResolvConf(text: string): HostResolver {
  const servers: string[] = [];
  let searches: readonly string[] = [];
  for (const line of text.split('\n')) {
    const [key, ...values] = line.trim().split(/\s+/);
    if (
      key === 'nameserver' &&
      values[0] !== undefined &&
      isIP(values[0].replace(/%.*$/, '')) !== 0
    )
      servers.push(values[0]);
    if (key === 'search' || key === 'domain') searches = values;
  }
  return { servers: servers.slice(0, MOST_SERVERS), searches };
}

export class DNSForwarder {
  readonly #options: DNSForwarderOptions;
  #host: HostResolver = { servers: [], searches: [] };
  #readAt = -Infinity;
  #active = 0;

  constructor(options: DNSForwarderOptions) {
    this.#options = options;
  }

  /** As the file says now, or said a moment ago. */
  async host(): Promise<HostResolver> {
    const { clock, file, isOwn } = this.#options;
    if (clock.monotonic() - this.#readAt > FRESH_MS) {
      this.#readAt = clock.monotonic();
      const { servers, searches } = parseResolvConf(await readFile(file, 'utf8').catch(() => ''));
      this.#host = { servers: servers.filter((server) => !isOwn(server)), searches };
    }
    return this.#host;
  }

  /** @throws Error when no resolver answers */
  async forward(query: Buffer, transport: Transport): Promise<Buffer> {
    if (this.#active >= MOST_AT_A_TIME) throw new Error('too many questions at a time');
    this.#active += 1;
    try {
      const { servers } = await this.host();
      for (const server of servers) {
        const answer = await this.#ask(server, query, transport);
        if (answer !== undefined) return answer;
      }
      throw new Error(`none of ${servers.length} resolvers answers`);
    } finally {
      this.#active -= 1;
    }
  }

  #ask(server: string, query: Buffer, transport: Transport): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      const finish = (answer: Buffer | undefined): void => {
        cancel();
        end();
        resolve(answer);
      };
      const cancel = this.#options.clock.schedule(ANSWER_LIMIT_MS, () => finish(undefined));
      const end = (transport === 'udp' ? askUDP : askTCP)(server, query, finish);
    });
  }
}

type Ask = (
  server: string,
  query: Buffer,
  finish: (answer: Buffer | undefined) => void,
) => () => void;

const askUDP: Ask = (server, query, finish) => {
  const socket = createSocket(server.includes(':') ? 'udp6' : 'udp4');
  let isOpen = true;
  socket.on('error', () => finish(undefined));
  socket.on('message', (message) => {
    // The system lets through only what comes from the server that was asked; the id tells late answers apart.
    if (message.length >= 12 && message.readUInt16BE(0) === query.readUInt16BE(0)) finish(message);
  });
  socket.connect(53, server, () => socket.send(query, () => undefined));
  return () => {
    if (isOpen) socket.close();
    isOpen = false;
  };
};

const askTCP: Ask = (server, query, finish) => {
  const socket = connect(53, server);
  let held = Buffer.alloc(0);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(query.length);
  socket.on('error', () => finish(undefined)).on('close', () => finish(undefined));
  socket.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    if (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0))
      finish(held.subarray(2, 2 + held.readUInt16BE(0)));
  });
  socket.on('connect', () => void socket.write(Buffer.concat([length, query])));
  return () => void socket.destroy();
};
