// A request that asks for another protocol (WebSocket) and, once an instance has agreed, the bytes both ways.
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream';
import type { Clock } from '#platform/clock.ts';
import type { Route } from './entry.ts';
import { responseFields } from './proxy-headers.ts';
import { CONNECT_TIMEOUT_MS } from './upstreams.ts';
import type { Upstream, Upstreams } from './upstreams.ts';

export interface UpgradedStreamOptions {
  readonly request: IncomingMessage;
  readonly client: Socket;
  /** What the client sent after its request. */
  readonly head: Buffer;
  readonly route: Route;
  readonly target: string;
  readonly fields: readonly string[];
  readonly upstreams: Upstreams;
  readonly clock: Clock;
  readonly answered: (status: number) => void;
  readonly failed: () => void;
}

const ANSWER_TIMEOUT_MS = 60_000;

export class UpgradedStream {
  readonly #options: UpgradedStreamOptions;

  constructor(options: UpgradedStreamOptions) {
    this.#options = options;
  }

  /** Resolves when it is over. Never rejects. */
  async run(): Promise<void> {
    const { client } = this.#options;
    client.on('error', () => client.destroy());
    const found = await this.#connect();
    if (found === undefined) {
      this.#answer(503, 'Service Unavailable', 'no instance took the connection');
      return;
    }
    const { upstream, socket } = found;
    socket.on('error', () => socket.destroy());
    try {
      await this.#exchange(socket);
    } finally {
      upstream.end(true);
      socket.destroy();
    }
  }

  /** Nothing is sent before there is a connection, so that another instance may have it. */
  async #connect(): Promise<{ readonly upstream: Upstream; readonly socket: Socket } | undefined> {
    const { upstreams, route, client, failed } = this.#options;
    const tried = new Set<Upstream>();
    while (!client.destroyed) {
      const upstream = upstreams.choose(route, tried);
      if (upstream === undefined) return undefined;
      tried.add(upstream);
      upstream.begin(true);
      try {
        const socket = await upstream.instance.connect(upstream.targetPort, CONNECT_TIMEOUT_MS);
        return { upstream, socket };
      } catch {
        upstream.end(true);
        upstreams.failed(upstream);
        failed();
      }
    }
    return undefined;
  }

  #exchange(socket: Socket): Promise<void> {
    const { request, client, head, target, fields, clock, answered } = this.#options;
    return new Promise((done) => {
      const asked = httpRequest({
        method: request.method ?? 'GET',
        path: target,
        createConnection: () => socket,
        setHost: false,
        headers: [...fields, 'connection', 'upgrade', 'upgrade', request.headers.upgrade ?? ''],
      });
      const cancel = clock.schedule(ANSWER_TIMEOUT_MS, () => asked.destroy(new Error('no answer')));
      client.once('close', () => asked.destroy());
      asked.once('upgrade', (answer, _socket, rest) => {
        cancel();
        answered(101);
        client.write(
          `${headOf(answer)}connection: upgrade\r\nupgrade: ${answer.headers.upgrade ?? ''}\r\n\r\n`,
        );
        if (rest.length > 0) client.write(rest);
        if (head.length > 0) socket.write(head);
        let open = 2;
        const ended = (): void => {
          open -= 1;
          if (open === 0) done();
        };
        pipeline(client, socket, ended);
        pipeline(socket, client, ended);
      });
      asked.once('response', (answer) => {
        cancel();
        answered(answer.statusCode ?? 502);
        client.write(`${headOf(answer)}connection: close\r\n\r\n`);
        pipeline(answer, client, () => done());
      });
      asked.once('error', () => {
        cancel();
        this.#answer(502, 'Bad Gateway', 'the instance closed the connection without an answer');
        done();
      });
      asked.end();
    });
  }

  #answer(status: number, title: string, why: string): void {
    const { client, answered } = this.#options;
    if (client.destroyed || client.writableEnded) return;
    answered(status);
    const body = `${status} ${title}: ${why}\n`;
    client.end(
      `HTTP/1.1 ${status} ${title}\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    );
  }
}

/** Status line and fields, without the empty line. */
function headOf({ statusCode = 502, statusMessage = '', rawHeaders }: IncomingMessage): string {
  const fields = responseFields(rawHeaders);
  let head = `HTTP/1.1 ${statusCode} ${statusMessage}\r\n`;
  for (let index = 0; index < fields.length; index += 2)
    head += `${fields[index]}: ${fields[index + 1]}\r\n`;
  return head;
}
