// The DNS server of the agent on one address: UDP and TCP. Bounded in what it works on at a time; more is dropped, and asked again.
import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket as UDPSocket } from 'node:dgram';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { resolveQuery } from './dns-resolver.ts';
import type { DNSResolverOptions } from './dns-resolver.ts';

const MOST_QUERIES = 1_024;
const MOST_CONNECTIONS = 256;
const IDLE_MS = 10_000;

export interface DNSServerOptions extends DNSResolverOptions {
  /** Whether an address may ask. */
  readonly isKnown: (address: string | undefined) => boolean;
}

export class DNSServer {
  readonly #options: DNSServerOptions;
  readonly #udp: UDPSocket;
  readonly #tcp: Server;
  readonly #sockets = new Set<Socket>();
  #active = 0;

  constructor(options: DNSServerOptions) {
    this.#options = options;
    this.#udp = createSocket('udp4', (message, from) => void this.#answer(message, from));
    this.#tcp = createServer((socket) => this.#serve(socket));
    this.#tcp.maxConnections = MOST_CONNECTIONS;
  }

  /** @returns the port, the same for both. Rejects with the system's error when it cannot be had */
  async listen(host: string, port: number): Promise<number> {
    const found = await new Promise<number>((resolve, reject) => {
      this.#tcp.once('error', reject);
      this.#tcp.listen({ host, port }, () => {
        this.#tcp.off('error', reject).on('error', () => undefined);
        resolve((this.#tcp.address() as AddressInfo).port);
      });
    });
    await new Promise<void>((resolve, reject) => {
      this.#udp.once('error', reject);
      this.#udp.bind({ address: host, port: found, exclusive: true }, () => {
        this.#udp.off('error', reject).on('error', () => undefined);
        resolve();
      });
    });
    return found;
  }

  close(): void {
    try {
      this.#udp.close();
    } catch {
      // It was never bound.
    }
    this.#tcp.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #answer(message: Buffer, { address, port }: RemoteInfo): Promise<void> {
    if (this.#active >= MOST_QUERIES || !this.#options.isKnown(address)) return;
    this.#active += 1;
    try {
      const answer = await resolveQuery(message, 'udp', this.#options);
      // Whoever asked may be gone, and so may we.
      if (answer !== undefined) this.#udp.send(answer, port, address, () => undefined);
    } catch {
      // The socket was closed meanwhile.
    } finally {
      this.#active -= 1;
    }
  }

  #serve(socket: Socket): void {
    if (!this.#options.isKnown(socket.remoteAddress)) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    void this.#answerAll(socket).catch(() => socket.destroy());
  }

  /** One after the other, as they come: a length of two bytes before each. */
  async #answerAll(socket: Socket): Promise<void> {
    let held = Buffer.alloc(0);
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      held = Buffer.concat([held, chunk]);
      while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
        const end = 2 + held.readUInt16BE(0);
        const answer = await resolveQuery(held.subarray(2, end), 'tcp', this.#options);
        held = held.subarray(end);
        if (answer === undefined) return;
        const length = Buffer.alloc(2);
        length.writeUInt16BE(answer.length);
        socket.write(Buffer.concat([length, answer]));
      }
    }
    socket.end();
  }
}
