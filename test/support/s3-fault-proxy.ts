// Stands before a real S3 server and spoils what the test says: answers lost before or after the server has done its work,
// requests carried out long after their sender gave up, storms of 503, conditions ignored, bodies cut short, silence.
import { once } from 'node:events';
import { Agent, createServer, request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { RadosGateway } from './rados-gateway.ts';

/**
 * - cutBefore, resetBefore: the connection ends (FIN, RST) and the server never sees the request
 * - cutAfter: the server does its work, then the connection ends without a word
 * - late: the connection ends at once, and the server gets the request when release() is called
 * - hold: the same, but the connection stays and gets the answer then
 * - stall: no answer, ever; the server sees nothing
 * - truncate: the first half of the answer's body, then the connection ends
 * - corrupt: a byte of the answer's body is another one
 * - reverseList: what the answer lists comes in the opposite order
 * - ignoreConditions: a PUT is carried out whatever its conditions say
 * - status: this answer in the server's stead
 * - delay: the answer comes so many milliseconds later
 */
export type Fault =
  | {
      readonly kind:
        | 'cutBefore'
        | 'resetBefore'
        | 'cutAfter'
        | 'late'
        | 'hold'
        | 'stall'
        | 'truncate'
        | 'corrupt'
        | 'reverseList'
        | 'ignoreConditions';
    }
  | { readonly kind: 'status'; readonly status: number; readonly code: string }
  | { readonly kind: 'delay'; readonly milliseconds: number };

export interface SeenRequest {
  readonly method: string;
  /** `/bucket/key`, without the query. */
  readonly path: string;
  readonly query: string;
  readonly headers: IncomingHttpHeaders;
  /** 0 for the first. */
  readonly number: number;
}

export interface FaultProxy extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  /** Asked for each request; undefined lets it pass. */
  plan: (request: SeenRequest) => Fault | undefined;
  readonly requests: readonly SeenRequest[];
  /** How many requests wait for release(). */
  readonly waiting: number;
  /** Hands over what is late or held. */
  release(): Promise<void>;
  /** Ends all connections and takes no new ones until up(). */
  down(): Promise<void>;
  up(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export async function startFaultProxy(gateway: RadosGateway): Promise<FaultProxy> {
  const agent = new Agent({ keepAlive: true });
  const sockets = new Set<Socket>();
  const requests: SeenRequest[] = [];
  const late: (() => Promise<unknown>)[] = [];
  const server = createServer((request, response) => {
    // Whoever is cut off is cut off; the test looks at its own end.
    serve(request, response).catch(() => request.socket.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
  });
  const listen = async (port: number): Promise<void> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [path = '', query = ''] = (request.url ?? '').split('?');
    const seen: SeenRequest = {
      method: request.method ?? '',
      path,
      query,
      headers: request.headers,
      number: requests.length,
    };
    requests.push(seen);
    const fault = proxy.plan(seen);
    const body = await bytesOf(request);
    const forward = (): Promise<Answer> => forwarded(gateway.endpoint, agent, request, body);
    switch (fault?.kind) {
      case 'cutBefore':
        request.socket.destroy();
        return;
      case 'resetBefore':
        request.socket.resetAndDestroy();
        return;
      case 'cutAfter':
        await forward();
        request.socket.destroy();
        return;
      case 'late':
        late.push(forward);
        request.socket.destroy();
        return;
      case 'hold':
        late.push(async () => send(response, await forward()));
        return;
      case 'stall':
        return;
      case 'status':
        send(response, plainAnswer(fault.status, fault.code));
        return;
      case 'truncate': {
        const answer = await forward();
        response.writeHead(answer.status, answer.headers);
        response.write(answer.body.subarray(0, answer.body.length / 2), () =>
          request.socket.destroy(),
        );
        return;
      }
      case 'corrupt': {
        const answer = await forward();
        const at = answer.body.length >> 1;
        answer.body[at] = (answer.body[at] ?? 0) ^ 1;
        send(response, answer);
        return;
      }
      case 'reverseList':
        send(response, reversed(await forward()));
        return;
      case 'ignoreConditions':
        send(response, await unconditional(gateway, seen, body));
        return;
      case 'delay':
        await delay(fault.milliseconds);
        send(response, await forward());
        return;
      case undefined:
        send(response, await forward());
    }
  };

  const proxy: FaultProxy = {
    endpoint: `http://127.0.0.1:${port}`,
    plan: () => undefined,
    requests,
    get waiting() {
      return late.length;
    },
    release: async () => {
      for (const forward of late.splice(0)) await forward();
    },
    down: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    up: () => listen(port),
    [Symbol.asyncDispose]: async () => {
      agent.destroy();
      if (server.listening) await proxy.down();
    },
  };
  return proxy;
}

/** A signed request as it came: the host is part of the signature. */
async function forwarded(
  endpoint: string,
  agent: Agent,
  { method, url, headers }: IncomingMessage,
  body: Buffer,
): Promise<Answer> {
  const { hostname, port } = new URL(endpoint);
  const request = httpRequest({ hostname, port, method, path: url, headers, agent });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return {
    status: response.statusCode ?? 500,
    headers: response.headers,
    body: await bytesOf(response),
  };
}

/** Conditions are signed, so that a write without them is one of our own. */
async function unconditional(
  { client }: RadosGateway,
  { path }: SeenRequest,
  body: Buffer,
): Promise<Answer> {
  const [, bucket = '', ...key] = path.split('/');
  const output = await client.send(
    new PutObjectCommand({ Bucket: bucket, Key: key.join('/'), Body: body }),
  );
  return { status: 200, headers: { etag: output.ETag }, body: Buffer.alloc(0) };
}

function reversed(answer: Answer): Answer {
  const entries: string[] = [];
  const text = answer.body.toString().replaceAll(/<Contents>.*?<\/Contents>/gs, (entry) => {
    entries.push(entry);
    return '\0';
  });
  const body = Buffer.from(text.replaceAll('\0', () => entries.pop() ?? ''));
  return { ...answer, body };
}

function plainAnswer(status: number, code: string): Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>as the test says</Message></Error>`;
  return { status, headers: { 'content-type': 'application/xml' }, body: Buffer.from(body) };
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, headers);
  response.end(body);
}

async function bytesOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
