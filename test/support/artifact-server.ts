// An HTTP server for artifacts, with the paths that upstream projects publish under and the faults that networks and publishers have.
// Faults are queued per path: each request takes the next one; without any, files are served as they are, ranges included.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createTLSServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export type ArtifactFault =
  /** As many bytes, but others. */
  | { readonly type: 'wrong' }
  /** The connection ends after so many bytes of what was promised, and not before `release` resolves. */
  | { readonly type: 'cut'; readonly afterBytes: number; readonly release?: Promise<void> }
  /** Fewer bytes, and the length says so. */
  | { readonly type: 'short' }
  | { readonly type: 'status'; readonly status: number; readonly retryAfter?: string }
  /** Sends half, then nothing until `release` resolves. */
  | { readonly type: 'slow'; readonly release: Promise<void> }
  /** The whole, whatever range was asked for, and no word of ranges. */
  | { readonly type: 'noRange' }
  /** Never ends, and says no length. */
  | { readonly type: 'endless' }
  | { readonly type: 'redirect'; readonly to: string }
  /** Never answers. */
  | { readonly type: 'silent' };

export interface ServedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

interface PublishedFile {
  readonly content: Buffer;
  readonly etag: string;
}

export function sha256Hex(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

export class ArtifactServer {
  readonly requests: ServedRequest[] = [];
  readonly #server: Server;
  readonly #files = new Map<string, PublishedFile>();
  readonly #faults = new Map<string, ArtifactFault[]>();
  readonly #lasting = new Map<string, ArtifactFault>();
  readonly #scheme: string;
  /** Wanted of each request as its Authorization header, where it is set. */
  authorization: string | undefined;

  private constructor(tls: { readonly key: string; readonly cert: string } | undefined) {
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      void this.#serve(request, response);
    };
    this.#server = tls === undefined ? createServer(listener) : createTLSServer(tls, listener);
    this.#scheme = tls === undefined ? 'http' : 'https';
  }

  /** Ended after the test. */
  static async start(
    t: Pick<TestContext, 'after'>,
    tls?: { readonly key: string; readonly cert: string },
  ): Promise<ArtifactServer> {
    const server = new ArtifactServer(tls);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.stop());
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}`;
  }

  /** Puts a file at a path, and its digest beside it at `<path>.sha256`. @returns the digest in hex */
  publish(path: string, content: Uint8Array | string): string {
    const bytes = Buffer.from(content);
    const digest = sha256Hex(bytes);
    this.#put(path, bytes);
    this.#put(`${path}.sha256`, Buffer.from(`${digest}  ${path.split('/').at(-1)}\n`));
    return digest;
  }

  /** As `publish`, without the digest beside it. */
  put(path: string, content: Uint8Array | string): void {
    this.#put(path, Buffer.from(content));
  }

  unpublish(path: string): void {
    this.#files.delete(path);
    this.#files.delete(`${path}.sha256`);
  }

  /** The next requests of this path fail so, one each. */
  fail(path: string, ...faults: readonly ArtifactFault[]): void {
    this.#faults.set(path, [...(this.#faults.get(path) ?? []), ...faults]);
  }

  /** Every request of this path fails so; without a fault: none any more. */
  failAlways(path: string, fault?: ArtifactFault): void {
    if (fault === undefined) this.#lasting.delete(path);
    else this.#lasting.set(path, fault);
  }

  /** Requests for the content of this path. */
  fetches(path: string): number {
    return this.requests.filter((one) => one.method === 'GET' && one.path === path).length;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #put(path: string, content: Buffer): void {
    this.#files.set(path, { content, etag: `"${sha256Hex(content).slice(0, 16)}"` });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const path = decodeURIComponent(pathname);
    const { method = 'GET', headers } = request;
    this.requests.push({ method, path, headers });
    response.on('error', () => undefined);
    if (this.authorization !== undefined && headers.authorization !== this.authorization) {
      response.writeHead(401).end();
      return;
    }
    const fault = this.#faults.get(path)?.shift() ?? this.#lasting.get(path);
    const file = this.#files.get(path);
    if (await this.#failed(fault, file, response)) return;
    if (file === undefined) {
      response.writeHead(404).end('no such file');
      return;
    }
    sendFile(request, response, file, fault?.type !== 'noRange');
  }

  /** @returns whether it has answered */
  async #failed(
    fault: ArtifactFault | undefined,
    file: PublishedFile | undefined,
    response: ServerResponse,
  ): Promise<boolean> {
    const content = file?.content ?? Buffer.alloc(0);
    switch (fault?.type) {
      case undefined:
      case 'noRange':
        return false;
      case 'silent':
        return true;
      case 'redirect':
        response.writeHead(302, { location: fault.to }).end();
        return true;
      case 'status': {
        const { status, retryAfter } = fault;
        response
          .writeHead(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter })
          .end('no');
        return true;
      }
      case 'wrong':
        response
          .writeHead(200, { 'content-length': content.length })
          .end(Buffer.from(content.map((byte) => byte ^ 1)));
        return true;
      case 'short':
        response
          .writeHead(200, { 'content-length': content.length >> 1 })
          .end(content.subarray(0, content.length >> 1));
        return true;
      case 'cut':
        response.writeHead(200, {
          'content-length': content.length,
          'accept-ranges': 'bytes',
          etag: file?.etag,
        });
        response.write(content.subarray(0, fault.afterBytes));
        await fault.release;
        response.destroy();
        return true;
      case 'slow':
        response.writeHead(200, { 'content-length': content.length });
        response.write(content.subarray(0, content.length >> 1));
        await fault.release;
        response.end(content.subarray(content.length >> 1));
        return true;
      case 'endless': {
        response.writeHead(200);
        const piece = Buffer.alloc(64 << 10);
        const more = (): void => {
          if (!response.destroyed) response.write(piece, () => setImmediate(more));
        };
        more();
        return true;
      }
    }
  }
}

function sendFile(
  { method, headers }: IncomingMessage,
  response: ServerResponse,
  { content, etag }: PublishedFile,
  takesRanges: boolean,
): void {
  const range = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '');
  const isSame = headers['if-range'] === undefined || headers['if-range'] === etag;
  const base = takesRanges ? { etag, 'accept-ranges': 'bytes' } : {};
  if (!takesRanges || range === null || !isSame) {
    response.writeHead(200, { ...base, 'content-length': content.length });
    response.end(method === 'HEAD' ? undefined : content);
    return;
  }
  const start = Number(range[1]);
  const end = range[2] === '' ? content.length - 1 : Math.min(Number(range[2]), content.length - 1);
  if (start > end) {
    response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
    return;
  }
  response.writeHead(206, {
    ...base,
    'content-length': end - start + 1,
    'content-range': `bytes ${start}-${end}/${content.length}`,
  });
  response.end(method === 'HEAD' ? undefined : content.subarray(start, end + 1));
}
