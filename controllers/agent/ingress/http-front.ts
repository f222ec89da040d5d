// HTTP as clients speak it to a port: limits against slow and greedy ones, the route for each request, and the rest is up to
// ProxiedRequest and UpgradedStream. Connections come from whoever listens, in the clear or out of TLS.
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import type { Route } from './entry.ts';
import type { IngressMetrics } from './metrics.ts';
import { answerPlain } from './plain-answer.ts';
import { redirectHead, redirectLocation } from './redirect.ts';
import { countOf, requestFields } from './proxy-headers.ts';
import { ProxiedRequest } from './proxied-request.ts';
import { UpgradedStream } from './upgraded-stream.ts';
import type { Upstreams } from './upstreams.ts';

export interface HTTPFrontOptions {
  readonly upstreams: Upstreams;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: IngressMetrics;
  /** The route of a host, with or without a port, and a path without its query. */
  readonly find: (host: string, path: string) => Route | undefined;
}

/** For the whole head of a request; answered with 431. */
const MAXIMUM_HEAD_BYTES = 32 << 10;
/** For the head to be complete; answered with 408. */
const HEAD_TIMEOUT_MS = 15_000;
const CHECK_TIMEOUTS_EVERY_MS = 1_000;
/** Longer than most clients keep an idle connection, so that they close first and no request meets a closing one. */
const KEEP_ALIVE_MS = 75_000;

interface Refusal {
  readonly status: number;
  readonly title: string;
  readonly why: string;
}

interface Redirect {
  readonly route: Route;
  readonly location: string;
}

interface Asked {
  readonly route: Route;
  /** Path and query, as the instance gets them. */
  readonly target: string;
  readonly host: string;
}

export class HTTPFront {
  readonly #options: HTTPFrontOptions;
  readonly #server: Server;
  readonly #answers = new Set<ServerResponse>();
  #isClosing = false;
  #onIdle: (() => void)[] = [];

  constructor(options: HTTPFrontOptions) {
    this.#options = options;
    this.#server = createServer(
      {
        maxHeaderSize: MAXIMUM_HEAD_BYTES,
        headersTimeout: HEAD_TIMEOUT_MS,
        // A body may take as long as it goes on; ProxiedRequest watches that it does.
        requestTimeout: 0,
        keepAliveTimeout: KEEP_ALIVE_MS,
        connectionsCheckingInterval: CHECK_TIMEOUTS_EVERY_MS,
        insecureHTTPParser: false,
        requireHostHeader: true,
        // Clients offer h2c with any request; that is no reason to treat it otherwise.
        shouldUpgradeCallback: ({ headers }) => !/^h2c?$/i.test(headers.upgrade ?? ''),
      },
      (request, response) => this.#handle(request, response),
    );
    this.#server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) =>
      this.#upgrade(request, socket, head),
    );
    this.#server.on('connect', (_request: IncomingMessage, socket: Socket) => {
      socket.end(
        'HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\nconnection: close\r\n\r\n',
      );
    });
    // The timeouts above are looked after from the moment that a server listens; ours is handed its connections.
    this.#server.emit('listening');
  }

  accept(socket: Socket): void {
    this.#server.emit('connection', socket);
  }

  /** Clients are told with their next answer that the connection ends; idle ones are closed now. */
  refuse(): void {
    this.#isClosing = true;
    for (const answer of this.#answers) answer.shouldKeepAlive = false;
    this.#server.close(() => undefined);
    this.#server.closeIdleConnections();
  }

  /** Resolves when no request is under way, at the latest after `limitMs`. */
  async idle(limitMs: number): Promise<void> {
    if (this.#answers.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.schedule(limitMs, resolve);
    this.#onIdle.push(resolve);
    await promise;
    cancel();
  }

  close(): void {
    if (!this.#isClosing) this.refuse();
    this.#server.closeAllConnections();
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const { clock, upstreams, metrics, logger } = this.#options;
    const startedAt = clock.monotonic();
    this.#answers.add(response);
    const asked = this.#route(request);
    let proxied: ProxiedRequest | undefined;
    response.once('close', () => {
      const milliseconds = clock.monotonic() - startedAt;
      const route = 'route' in asked ? asked.route : undefined;
      const status = response.writableFinished ? response.statusCode : 0;
      metrics.answered(route, status, milliseconds / 1000);
      this.#done(response);
      // Not the query: it may hold what only the two ends should know.
      logger.debug('Ingress request', {
        method: request.method,
        host: request.headers.host,
        path: (request.url ?? '').split('?')[0],
        status,
        milliseconds: Math.round(milliseconds),
        service: route === undefined ? undefined : `${route.namespace}/${route.name}`,
        pod: proxied?.pod,
        attempts: proxied?.attempts,
      });
    });
    if (this.#isClosing) response.shouldKeepAlive = false;
    if ('status' in asked) {
      response.shouldKeepAlive &&= asked.status !== 400;
      answerPlain(response, asked.status, asked.title, asked.why);
      return;
    }
    if ('location' in asked) {
      response.writeHead(308, redirectHead(asked.location)).end();
      return;
    }
    proxied = new ProxiedRequest({
      request,
      response,
      route: asked.route,
      target: asked.target,
      fields: this.#fields(request, asked.host),
      upstreams,
      clock,
      events: metrics,
    });
    proxied.start();
  }

  #upgrade(request: IncomingMessage, client: Socket, head: Buffer): void {
    const { upstreams, clock, metrics } = this.#options;
    const asked = this.#route(request);
    if ('status' in asked) {
      const body = `${asked.status} ${asked.title}: ${asked.why}\n`;
      client.end(
        `HTTP/1.1 ${asked.status} ${asked.title}\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
      );
      return;
    }
    if ('location' in asked) {
      const fields = Object.entries(redirectHead(asked.location));
      const head = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
      metrics.answered(asked.route, 308);
      client.end(`HTTP/1.1 308 Permanent Redirect\r\n${head}connection: close\r\n\r\n`, 'latin1');
      return;
    }
    const fields = this.#fields(request, asked.host);
    const { route, target } = asked;
    const stream = new UpgradedStream({
      request,
      client,
      head,
      route,
      target,
      fields,
      upstreams,
      clock,
      answered: (status) => metrics.answered(route, status),
      failed: () => metrics.failed(route, 'connect'),
    });
    void stream.run();
  }

  #route(request: IncomingMessage): Asked | Redirect | Refusal {
    const url = request.url ?? '/';
    const absolute = /^https?:\/\/([^/?#]*)([^#]*)$/i.exec(url);
    // The host of an absolute target goes before the field (RFC 9112 §3.2.2).
    const host = absolute?.[1] ?? request.headers.host ?? '';
    const rest = absolute?.[2] ?? url;
    const target = rest === '' || rest.startsWith('?') ? `/${rest}` : rest;
    if (countOf(request.rawHeaders, 'host') > 1)
      return { status: 400, title: 'Bad Request', why: 'more than one Host' };
    if (!target.startsWith('/'))
      return { status: 400, title: 'Bad Request', why: 'the target must be a path' };
    const route = this.#options.find(host, target.split('?', 1)[0] ?? '');
    if (route === undefined)
      return { status: 404, title: 'Not Found', why: 'no service has this host and path' };
    if (route.redirectTo === undefined) return { route, target, host };
    const location = redirectLocation(host, route.redirectTo, target);
    return location === undefined
      ? { status: 400, title: 'Bad Request', why: 'Host is no name that could be redirected' }
      : { route, location };
  }

  #fields(request: IncomingMessage, host: string): string[] {
    const { socket } = request;
    const scheme = 'encrypted' in socket ? 'https' : 'http';
    const address = socket.remoteAddress ?? '';
    return requestFields(request.rawHeaders, { address, scheme, host });
  }

  #done(response: ServerResponse): void {
    this.#answers.delete(response);
    if (this.#answers.size > 0) return;
    for (const told of this.#onIdle.splice(0)) told();
  }
}
