// The HTTPS listener: TLS, limits against slow and greedy clients, and the one handler of all requests, in the express shell where
// pages are asked for.
// HTTP/1.1 only: clients fall back to it, upgrades need it, and HTTP/2 in Node measured slower.
import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';

import { badRequest } from '../api/errors.ts';
import type { Authenticator } from '../identity/authenticate.ts';
import type { KeyPair } from '../identity/issuer.ts';

import { CONSOLE_PATH } from './handlers/console.ts';
import { RequestContext } from './context.ts';
import { filterChain } from './filters.ts';
import { InFlightRequests } from './in-flight.ts';
import { outerShell } from './outer-shell.ts';
import { answerRaw, malformedRequest } from './raw-answer.ts';
import { parseRequestInfo } from './request-info.ts';
import { sendError } from './respond.ts';
import { createRouter } from './router.ts';
import type { Services } from './services.ts';
import { upgradeListener } from './upgrades.ts';

const REQUEST_TIMEOUT_MS = 60_000;
const HEADERS_TIMEOUT_MS = 30_000;
/** Longer than any client's idle time, so that the client closes first and no request meets a closing socket. */
const KEEP_ALIVE_TIMEOUT_MS = 120_000;
const MAX_HEADER_BYTES = 64 * 1024;
const DRAIN_GRACE_MS = 10_000;
/** For whoever asked to disconnect all to get the answer. */
const PARTING_MS = 1_000;
const AUDIT_ID_LENGTH = 36;

/** The address cannot be listened on. The message names the flags. */
export class ListenError extends Error {
  constructor(bind: string, port: number, cause: NodeJS.ErrnoException) {
    super(`Cannot listen on ${bind} port ${port}: ${reasonOf(bind, port, cause)}`, { cause });
    this.name = 'ListenError';
  }
}

function reasonOf(bind: string, port: number, { code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'EADDRINUSE':
      return `another process uses it; stop that one or choose another with --port (now ${port}; 0 picks a free one)`;
    case 'EACCES':
      return `not permitted; choose a port above 1023 with --port (now ${port})`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `this machine has no such address; choose one with --bind (now ${bind})`;
    default:
      return message;
  }
}

export interface ApiServerOptions {
  readonly bind: string;
  /** 0: any free one. */
  readonly port: number;
  readonly certificate: KeyPair;
  /** PEM of the authority whose client certificates are believed. */
  readonly clientAuthority: string;
  readonly authenticator: Authenticator;
}

export interface ApiServer {
  readonly port: number;
  /** For connections from now on; those that are open go on with what they began with. */
  serveWith(identity: Pick<ApiServerOptions, 'certificate' | 'clientAuthority'>): void;
  /** Ends all connections after a second: who is there has to come again. */
  disconnect(): void;
  /** Stops accepting, ends watches, lets requests finish for up to ten seconds, then closes. */
  close(): Promise<void>;
}

/** @throws ListenError */
export async function startServer(
  services: Services,
  options: ApiServerOptions,
): Promise<ApiServer> {
  const inFlight = new InFlightRequests(services.clock, (context, error) => {
    // One that is answered and only waits for its client to stop sending is just cut.
    if (!context.response.headersSent) services.metrics.timedOut(context);
    sendError(context, error, services.logger);
  });
  const listener = requestListener(services, options.authenticator, inFlight);
  const pages = outerShell(listener, services.logger);

  const server = createServer(
    {
      ...secureContext(options),
      requestCert: true,
      rejectUnauthorized: false, // whoever shows no certificate may still ask for health and version
      ALPNProtocols: ['http/1.1'],
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      noDelay: true,
      // Requests that announce no body are no streams: most only read.
      optimizeEmptyRequests: true,
    },
    // Requests to the API go past express: it would cost a fair part of a small one, and has no part in them.
    (request, response) =>
      isOfPage(request) ? pages(request, response) : listener(request, response),
  );
  const sockets = new Set<Socket>();
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => services.metrics.handshakeFailed());
  server.on('clientError', (error, socket) =>
    answerRaw(socket, malformedRequest(error), services.clock),
  );
  server.on('upgrade', upgradeListener(services, options.authenticator));

  await new Promise<void>((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void =>
      reject(new ListenError(options.bind, options.port, error));
    server.once('error', onError);
    server.listen({ host: options.bind, port: options.port, backlog: 1024 }, () => {
      server.removeListener('error', onError);
      resolve();
    });
  });

  return {
    port: (server.address() as AddressInfo).port,
    serveWith: (identity) => server.setSecureContext(secureContext(identity)),
    disconnect: () => {
      const present = [...sockets];
      services.clock.schedule(PARTING_MS, () => {
        for (const socket of present) socket.destroy();
      });
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await inFlight.drain(DRAIN_GRACE_MS);
      services.tunnels.close();
      for (const socket of sockets) socket.end();
      server.closeIdleConnections();
      const cancel = services.clock.schedule(1000, () => {
        for (const socket of sockets) socket.destroy();
      });
      await closed;
      cancel();
    },
  };
}

function secureContext({
  certificate,
  clientAuthority,
}: Pick<ApiServerOptions, 'certificate' | 'clientAuthority'>): SecureContextOptions {
  return {
    key: certificate.privateKey,
    cert: certificate.certificate,
    ca: clientAuthority,
    minVersion: 'TLSv1.2',
  };
}

/** What browsers open: that is what express is the shell of. */
function isOfPage({ url = '' }: IncomingMessage): boolean {
  return url === '/' || url.startsWith(CONSOLE_PATH);
}

function requestListener(
  services: Services,
  authenticator: Authenticator,
  inFlight: InFlightRequests,
): (request: IncomingMessage, response: ServerResponse) => void {
  const handle = filterChain(services, authenticator)(createRouter(services));
  const { clock, ids, logger, metrics } = services;

  return (request, response) => {
    const startedAt = clock.monotonic();
    const auditId = auditIdOf(request) ?? ids.uuid();
    const method = request.method ?? 'GET';
    let context: RequestContext;
    try {
      const info = parseRequestInfo(method, request.url ?? '/');
      const timeoutMs = requestTimeoutOf(info.query);
      context = new RequestContext(request, response, info, auditId, startedAt, timeoutMs);
    } catch (error) {
      const info = parseRequestInfo(method, '/');
      context = new RequestContext(request, response, info, auditId, startedAt, REQUEST_TIMEOUT_MS);
      const answer =
        error instanceof URIError
          ? badRequest('the path is not valid percent-encoding', error)
          : error;
      sendError(context, answer, logger);
      return;
    }
    metrics.started(context);
    inFlight.add(context);
    response.once('close', () => {
      inFlight.remove(context);
      services.fairness.leave(context);
      context.audit?.responseComplete(response.headersSent ? response.statusCode : 0);
      if (!response.writableFinished) {
        context.abort(new Error('the client closed the connection'));
        if (!context.isLongRunning) metrics.aborted(context);
      }
      metrics.finished(context, clock.monotonic() - startedAt);
    });
    void handle(context); // the panic guard inside lets nothing out
  };
}

const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `?timeout=32s` shortens the time for an answer. @throws ApiError BadRequest for what is no duration of Go's */
function requestTimeoutOf(query: URLSearchParams): number {
  const text = query.get('timeout');
  if (text === null || text === '' || text === '0') return REQUEST_TIMEOUT_MS;
  if (!DURATION.test(text)) {
    throw badRequest(
      `invalid timeout specified in the request URL: ${JSON.stringify(text)} is not a duration such as 30s`,
    );
  }
  let total = 0;
  for (const [, amount = '0', unit = 's'] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    total += Number(amount) * (UNIT_MS[unit] ?? 1000);
  }
  return total === 0 ? REQUEST_TIMEOUT_MS : Math.min(total, REQUEST_TIMEOUT_MS);
}

/** The caller's own id, where it is a UUID, so that its logs and ours can be joined. */
function auditIdOf(request: IncomingMessage): string | undefined {
  const id = request.headers['audit-id'];
  if (typeof id !== 'string' || id.length !== AUDIT_ID_LENGTH) return undefined;
  for (let at = 0; at < id.length; at += 1) {
    const char = id.charCodeAt(at);
    const isHex =
      (char >= 0x30 && char <= 0x39) ||
      (char >= 0x61 && char <= 0x66) ||
      (char >= 0x41 && char <= 0x46);
    if (!isHex && char !== 0x2d) return undefined;
  }
  return id;
}
