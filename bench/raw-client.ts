// A load client that costs as little as possible: HTTP/1.1 written by hand on keep-alive TLS sockets, answers only counted.
// It trusts the server's framing, so it is for benchmarks of our own servers on loopback and nothing else.
import type { Socket } from 'node:net';
import tls from 'node:tls';
import type { Endpoint } from './kubeconfig.ts';

const HEADER_END = Buffer.from('\r\n\r\n');

export function connect(endpoint: Endpoint): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      host: endpoint.host,
      port: endpoint.port,
      ca: endpoint.ca,
      cert: endpoint.cert,
      key: endpoint.key,
      // The floor servers of a benchmark share the control plane's certificate, whatever address they got.
      checkServerIdentity: () => undefined,
    });
    socket.setNoDelay(true);
    socket.once('secureConnect', () => resolve(socket));
    socket.once('error', reject);
  });
}

export function request(method: string, path: string, body = ''): Buffer {
  const type = body === '' ? '' : 'Content-Type: application/json\r\n';
  return Buffer.from(
    `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n${type}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

export interface Answer {
  readonly status: number;
  /** Bytes of the body, framing of chunks included. */
  readonly bytes: number;
  readonly body: Buffer;
}

/** Sends one request and waits for its whole answer. Bodies come with Content-Length or chunked. */
export function exchange(socket: Socket, message: Buffer, keepBody = false): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let head: Buffer | undefined;
    let length = -1;
    let received = 0;
    let tail = Buffer.alloc(0);
    const kept: Buffer[] = [];
    const finish = (): void => {
      socket.off('data', onData);
      socket.off('error', reject);
      const status = Number(head?.subarray(9, 12).toString());
      resolve({ status, bytes: received, body: Buffer.concat(kept) });
    };
    const onBody = (data: Buffer): void => {
      received += data.length;
      if (keepBody) kept.push(data);
      if (length >= 0) {
        if (received >= length) finish();
        return;
      }
      tail = Buffer.concat([tail.subarray(-4), data.subarray(-5)]);
      if (tail.subarray(-5).toString() === '0\r\n\r\n') finish();
    };
    const onData = (data: Buffer): void => {
      if (head !== undefined && length !== -2) {
        onBody(data);
        return;
      }
      const all = head === undefined ? data : Buffer.concat([head, data]);
      const end = all.indexOf(HEADER_END);
      head = all;
      length = -2;
      if (end < 0) return;
      head = all.subarray(0, end);
      const match = /\r\ncontent-length: (\d+)/i.exec(head.toString());
      length = match === null ? -1 : Number(match[1]);
      const rest = all.subarray(end + 4);
      if (rest.length > 0 || length === 0) onBody(rest);
    };
    socket.on('data', onData);
    socket.once('error', reject);
    socket.write(message);
  });
}

/** Runs `count` exchanges over `connections` sockets, each waiting for its answer; returns the rate per second and the latencies in ms, sorted. */
export async function closedLoop(
  endpoint: Endpoint,
  connections: number,
  count: number,
  message: (index: number) => Buffer,
  expectedStatus: number,
): Promise<{ readonly perSecond: number; readonly latenciesMs: readonly number[] }> {
  const sockets = await Promise.all(Array.from({ length: connections }, () => connect(endpoint)));
  const latenciesMs: number[] = [];
  let next = 0;
  const started = performance.now();
  await Promise.all(
    sockets.map(async (socket) => {
      for (let index = next++; index < count; index = next++) {
        const sent = performance.now();
        const answer = await exchange(socket, message(index));
        if (answer.status !== expectedStatus) {
          throw new Error(`Request ${index} answered ${answer.status}, expected ${expectedStatus}`);
        }
        latenciesMs.push(performance.now() - sent);
      }
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  for (const socket of sockets) socket.destroy();
  return { perSecond: count / seconds, latenciesMs: latenciesMs.toSorted((a, b) => a - b) };
}
