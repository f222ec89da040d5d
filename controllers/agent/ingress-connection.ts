// One forwarded connection. Bytes pass as they are; only while its instance is being drained does it look at them: the head of an
// HTTP/1.1 response gets `Connection: close`, and a connection without an open request is closed after a quiet moment.
import type { Socket } from 'node:net';
import { Transform } from 'node:stream';
import type { Clock } from '#platform/clock.ts';

/** This long without a byte after an answer counts as idle. */
const QUIET_MS = 500;

export class IngressConnection {
  readonly podUID: string;
  readonly closed: Promise<void>;
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #clock: Clock;
  #draining = false;
  /** The client has sent something that was not answered yet. */
  #asked = false;
  #cancelQuiet = (): void => undefined;

  constructor(podUID: string, client: Socket, upstream: Socket, clock: Clock) {
    this.podUID = podUID;
    this.#client = client;
    this.#upstream = upstream;
    this.#clock = clock;
    const both = Promise.withResolvers<void>();
    this.closed = both.promise;
    let open = 2;
    const onClose = (other: Socket): void => {
      if (!other.writableEnded) other.destroy();
      open -= 1;
      if (open > 0) return;
      this.#cancelQuiet();
      both.resolve();
    };
    client.once('close', () => onClose(upstream));
    upstream.once('close', () => onClose(client));
    client.on('data', () => {
      this.#asked = true;
      this.#cancelQuiet();
    });
    client.pipe(upstream);
    upstream.pipe(this.#response()).pipe(client);
  }

  /** Resolves when it is closed, at the latest after `limitMs`; then it is cut. */
  async drain(limitMs: number): Promise<void> {
    this.#draining = true;
    if (!this.#asked) this.#closeWhenQuiet();
    const cancel = this.#clock.schedule(limitMs, () => this.destroy());
    await this.closed;
    cancel();
  }

  destroy(): void {
    this.#client.destroy();
    this.#upstream.destroy();
  }

  #response(): Transform {
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        const begins = this.#asked;
        this.#asked = false;
        if (!this.#draining) return done(null, chunk);
        this.#closeWhenQuiet();
        done(null, begins ? withConnectionClose(chunk) : chunk);
      },
    });
  }

  #closeWhenQuiet(): void {
    this.#cancelQuiet();
    this.#cancelQuiet = this.#clock.schedule(QUIET_MS, () => {
      this.#upstream.unpipe();
      this.#client.end();
      this.#upstream.end();
    });
  }
}

const HEAD_END = Buffer.from('\r\n\r\n');

/** The same chunk, with `Connection: close` if it begins with the head of a final HTTP/1.1 response. */
export function withConnectionClose(chunk: Buffer): Buffer {
  // 1xx is not the answer yet, and 101 makes the connection something else.
  if (!/^HTTP\/1\.1 [2-5]\d\d/.test(chunk.toString('latin1', 0, 12))) return chunk;
  const end = chunk.indexOf(HEAD_END);
  if (end < 0) return chunk;
  const head = chunk
    .toString('latin1', 0, end)
    .replace(/\r\n(?:connection|keep-alive):[^\r\n]*/gi, '')
    .concat('\r\nConnection: close');
  return Buffer.concat([Buffer.from(head, 'latin1'), chunk.subarray(end)]);
}
