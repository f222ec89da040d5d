// A port where clients speak TLS. The name they ask for in their first message says whose they are: passed through as they come, or
// ended here with the certificate of that host, and then HTTP.
import type { Socket } from 'node:net';
import { createServer } from 'node:tls';
import type { Server } from 'node:tls';
import type { Clock } from '#platform/clock.ts';
import { MAXIMUM_HELLO_BYTES, readClientHello } from './client-hello.ts';
import type { Certificate } from './certificate.ts';
import type { Route } from './entry.ts';
import type { HostTable } from './host-table.ts';
import type { HTTPFront } from './http-front.ts';
import type { StreamForwarder } from './stream-forwarder.ts';

export interface TLSSwitchOptions {
  readonly clock: Clock;
  readonly front: HTTPFront;
  readonly forwarder: StreamForwarder;
  readonly passthrough: () => HostTable;
  /** For a name that a client asks for; '' when it asks for none. undefined: there is no certificate for it. */
  readonly certificateFor: (serverName: string) => Certificate | undefined;
}

const HANDSHAKE_MS = 10_000;

export class TLSSwitch {
  readonly #options: TLSSwitchOptions;
  readonly #server: Server;
  #unnamed: Certificate | undefined;

  constructor(options: TLSSwitchOptions) {
    this.#options = options;
    this.#server = createServer({
      ALPNProtocols: ['http/1.1'],
      minVersion: 'TLSv1.2',
      handshakeTimeout: HANDSHAKE_MS,
      SNICallback: (name, callback) => {
        const found = options.certificateFor(name);
        if (found === undefined) callback(new Error('no certificate for this name'));
        else callback(null, found.context);
      },
    });
    this.#server.on('secureConnection', (socket) => options.front.accept(socket));
    // Scanners and clients without trust in the certificate: their business.
    this.#server.on('tlsClientError', (_error, socket) => socket.destroy());
  }

  accept(socket: Socket): void {
    const { clock } = this.#options;
    const cancel = clock.schedule(HANDSHAKE_MS, () => socket.destroy());
    socket.once('close', cancel);
    let received: Buffer = Buffer.alloc(0);
    const look = (): void => {
      for (;;) {
        const chunk = socket.read() as Buffer | null;
        if (chunk === null) break;
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      }
      const hello = readClientHello(received);
      if (hello.type === 'more' && received.length <= MAXIMUM_HELLO_BYTES) return;
      socket.off('readable', look);
      cancel();
      if (hello.type !== 'hello') {
        socket.destroy();
        return;
      }
      socket.unshift(received);
      this.#pass(socket, hello.serverName);
    };
    socket.on('readable', look);
    socket.once('end', () => {
      if (received.length === 0) socket.destroy();
    });
  }

  #pass(socket: Socket, serverName: string): void {
    const { passthrough, forwarder, certificateFor } = this.#options;
    const find = (): Route | undefined => passthrough().find(serverName);
    const route = find();
    // A host of its own goes before the one that takes all.
    if (route !== undefined && (route.host !== '' || certificateFor(serverName) === undefined)) {
      forwarder.accept(socket, find);
      socket.resume();
      return;
    }
    if (serverName === '') this.#withoutName(socket);
    else this.#server.emit('connection', socket);
  }

  /** The callback is for names; who names none gets the certificate of the host that takes all. */
  #withoutName(socket: Socket): void {
    const found = this.#options.certificateFor('');
    if (found === undefined) {
      socket.destroy();
      return;
    }
    if (found !== this.#unnamed)
      this.#server.setSecureContext({ cert: found.cert, key: found.key });
    this.#unnamed = found;
    this.#server.emit('connection', socket);
  }
}
