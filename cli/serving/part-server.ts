// The small server of a part that runs alone (`windlass controllers`, `windlass node run`): /healthz, /livez and /readyz for whoever
// watches over it, /metrics for whoever measures it.
import { createServer as createPlainServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Logger } from '#platform/logging.ts';
import { CommandError } from '../usage-error.ts';
import type { Access } from './delegated-access.ts';
import type { ServingAddress } from './serving-options.ts';

export interface PartServerOptions {
  readonly address: ServingAddress;
  /** Prometheus' text of the part and its process. */
  readonly expose: () => Promise<string>;
  readonly contentType: string;
  /** TLS, and who may read metrics; absent: plain, and everybody who gets here. */
  readonly secure?: {
    /** PEM. */
    readonly certificate: string;
    readonly privateKey: string;
    readonly access: Access;
  };
  readonly logger: Logger;
}

/** More would be no probes and no scrapes. */
const MOST_CONNECTIONS = 64;
const PATIENCE_MS = 10_000;
const HEALTH = new Set(['/healthz', '/livez', '/readyz']);

export class PartServer {
  readonly #options: PartServerOptions;
  readonly #server: Server;
  readonly #closing = new AbortController();
  #isReady = false;

  private constructor(options: PartServerOptions) {
    this.#options = options;
    const { secure } = options;
    const onRequest = (request: IncomingMessage, response: ServerResponse): void =>
      void this.#answer(request, response);
    this.#server =
      secure === undefined
        ? createPlainServer(onRequest)
        : createServer(
            { cert: secure.certificate, key: secure.privateKey, minVersion: 'TLSv1.2' },
            onRequest,
          );
    this.#server.maxConnections = MOST_CONNECTIONS;
    this.#server.requestTimeout = PATIENCE_MS;
    this.#server.headersTimeout = PATIENCE_MS;
  }

  /** @throws CommandError when the address cannot be listened on */
  static async start(options: PartServerOptions): Promise<PartServer> {
    const part = new PartServer(options);
    const { host, port } = options.address;
    await new Promise<void>((done, refuse) => {
      part.#server.once('error', (error) => {
        const message = `--metrics-bind: cannot listen on ${host} port ${port}: ${error.message}`;
        refuse(new CommandError(message, 'Name another address or port.', { cause: error }));
      });
      part.#server.listen(port, host, done);
    });
    part.#server.on('error', (error) => options.logger.warn('Metrics server', { error }));
    options.logger.info('Health and metrics are served', { url: part.url });
    return part;
  }

  /** Without a path. */
  get url(): string {
    const { address, family, port } = this.#server.address() as AddressInfo;
    const scheme = this.#options.secure === undefined ? 'http' : 'https';
    return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  /** From now on /readyz says so. */
  ready(): void {
    this.#isReady = true;
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the server is closing'));
    const closed = new Promise((done) => this.#server.close(done));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const [path = ''] = (request.url ?? '').split('?');
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        response.setHeader('allow', 'GET, HEAD');
        send(response, 405, 'only GET and HEAD\n');
      } else if (HEALTH.has(path)) {
        const isFine = this.#isReady || path === '/livez';
        send(response, isFine ? 200 : 500, isFine ? 'ok' : 'not ready yet\n');
      } else if (path !== '/metrics')
        send(response, 404, 'there are /healthz, /livez, /readyz and /metrics\n');
      else await this.#answerMetrics(request, response);
    } catch (error) {
      this.#options.logger.warn('A request for metrics failed', { error });
      if (!response.headersSent) send(response, 500, 'failed; the log of this process says why\n');
      else response.destroy();
    }
  }

  async #answerMetrics(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { secure, expose, contentType } = this.#options;
    if (secure !== undefined) {
      const [, token] =
        /^bearer ([!-~]{1,16384})$/i.exec(request.headers.authorization ?? '') ?? [];
      const verdict =
        token === undefined
          ? 'unknown'
          : await secure.access.mayGet(token, '/metrics', this.#closing.signal);
      if (verdict === 'unknown') response.setHeader('www-authenticate', 'Bearer');
      if (verdict !== 'allowed') {
        const why = 'whoever may get the path /metrics of the API server, by a bearer token of it';
        send(response, verdict === 'unknown' ? 401 : 403, `metrics are for ${why}\n`);
        return;
      }
    }
    response.setHeader('content-type', contentType);
    send(response, 200, await expose());
  }
}

function send(response: ServerResponse, status: number, text: string): void {
  if (!response.hasHeader('content-type'))
    response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.setHeader('x-content-type-options', 'nosniff');
  response.statusCode = status;
  response.end(response.req.method === 'HEAD' ? undefined : text);
}
