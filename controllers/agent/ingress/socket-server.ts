// Listens on one TCP port of this machine and hands each connection on, up to a number of them at a time.
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';

export interface SocketServerOptions {
  readonly address: string;
  readonly port: number;
  readonly maximumConnections: number;
  readonly accept: (socket: Socket) => void;
  /** +1 and -1. */
  readonly counted: (change: number) => void;
  /** One was turned away because there are too many. */
  readonly dropped: () => void;
}

export class SocketServer {
  readonly #options: SocketServerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #closed: Promise<void> | undefined;

  constructor(options: SocketServerOptions) {
    this.#options = options;
    // Half-open: a client that has sent all may still wait for the answer.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, (socket) =>
      this.#take(socket),
    );
    this.#server.maxConnections = options.maximumConnections;
    this.#server.on('drop', () => options.dropped());
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : this.#options.port;
  }

  /** Rejects with the system's error (EADDRINUSE, EACCES) when the port cannot be had. */
  listen(): Promise<void> {
    const { port, address } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, host: address, backlog: 1024 }, () => {
        this.#server.off('error', reject);
        // What accept() itself meets (no more file descriptors) concerns the next connection only.
        this.#server.on('error', () => undefined);
        resolve();
      });
    });
  }

  /** Gives the port back; what is open goes on. */
  refuse(): void {
    this.#closed ??= new Promise((resolve) => this.#server.close(() => resolve()));
  }

  /** Cuts what is open. */
  async close(): Promise<void> {
    this.refuse();
    for (const socket of this.#sockets) socket.destroy();
    await this.#closed;
  }

  #take(socket: Socket): void {
    const { accept, counted } = this.#options;
    this.#sockets.add(socket);
    counted(1);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      counted(-1);
    });
    // Whoever takes it listens for more; without any listener an error would end the process.
    socket.on('error', () => socket.destroy());
    accept(socket);
  }
}
