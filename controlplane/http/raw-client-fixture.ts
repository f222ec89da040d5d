// A client that writes what it is told, HTTP or not, over TLS with a client certificate: for the tests of hostile input.
import assert from 'node:assert/strict';
import { connect } from 'node:tls';

import { systemClock } from '#platform/clock.ts';

import type { Credentials } from '../control-plane-fixture.ts';

/** No answer may take longer. Most take a hundredth; the machine may be busy. */
const PATIENCE_MS = 15_000;

export interface Heard {
  readonly code: number;
  readonly text: string;
}

export interface RawClient {
  /** Sends bytes as they are and reads until the server closes. */
  exchange(this: void, ...parts: readonly (string | Buffer)[]): Promise<Heard>;
  /** One well-formed request. */
  send(
    this: void,
    method: string,
    path: string,
    body: string | Buffer,
    type: string,
  ): Promise<Heard>;
}

export function rawClient(port: number, credentials: Credentials): RawClient {
  const exchange: RawClient['exchange'] = (...parts) => converse(port, credentials, parts);
  return {
    exchange,
    send(method, path, body, type) {
      const bytes = Buffer.from(body);
      const headers = { 'content-type': type, 'content-length': String(bytes.length) };
      return exchange(head(method, path, headers), bytes);
    },
  };
}

function converse(
  port: number,
  credentials: Credentials,
  parts: readonly (string | Buffer)[],
): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ...credentials });
    const chunks: Buffer[] = [];
    const cancel = systemClock.schedule(PATIENCE_MS, () => {
      socket.destroy();
      reject(new Error(`no answer within ${PATIENCE_MS} ms: ${String(parts[0]).slice(0, 100)}`));
    });
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    // The server may close while we still send; what counts is what it said.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      cancel();
      const text = Buffer.concat(chunks).toString('utf8');
      const code = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
      resolve({ code, text: text.slice(text.indexOf('\r\n\r\n') + 4) });
    });
    for (const part of parts) socket.write(part);
  });
}

export function head(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): string {
  const lines = Object.entries({ host: 'x', connection: 'close', ...headers });
  return `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

/** A Status of this code, with nothing of our insides in it. */
export function assertStatus(heard: Heard, code: number, what: string): void {
  assert.equal(heard.code, code, `${what}: ${heard.text.slice(0, 300)}`);
  const status = JSON.parse(heard.text) as { kind: string; code: number; message: string };
  assert.equal(status.kind, 'Status', what);
  assert.equal(status.code, code, what);
  assert.doesNotMatch(heard.text, /\\n\s+at |node:internal|\.ts:\d/, what);
}

/** A protobuf field of wire type 2. */
export function field(tag: number, bytes: Buffer): Buffer {
  const length: number[] = [];
  let rest = bytes.length;
  do {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return Buffer.concat([Buffer.from([(tag << 3) | 2, ...length]), bytes]);
}

/** The protobuf form of an object: upstream's magic bytes and the message Unknown. */
export function envelope(apiVersion: string, kind: string, object: Buffer): Buffer {
  const typeMeta = Buffer.concat([field(1, Buffer.from(apiVersion)), field(2, Buffer.from(kind))]);
  return Buffer.concat([Buffer.from('6b387300', 'hex'), field(1, typeMeta), field(2, object)]);
}
