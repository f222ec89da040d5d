// Writes answers: one writeHead and one end, with the headers every answer carries. What goes into the body is made
// by representation.ts and table.ts.
import type { IncomingMessage } from 'node:http';
import { constants, gzip } from 'node:zlib';

import { ApiError, internalError } from '../api/errors.ts';
import type { Status } from '../api/errors.ts';
import type { Logger } from '#platform/logging.ts';

import { acceptsEncoding } from './accept-encoding.ts';
import type { RequestContext } from './context.ts';

/** Upstream compresses answers above this size, at the fastest level. */
export const GZIP_THRESHOLD_BYTES = 128 * 1024;
const WARNINGS_TOTAL_LIMIT = 4096;
const WARNING_LIMIT_WHEN_LONG = 256;

export const JSON_TYPE = 'application/json';
export const TEXT_TYPE = 'text/plain; charset=utf-8';

/** Flat name, value, name, value …: what writeHead takes without building an object. */
export type HeaderList = string[];

/** The headers of every answer; more may be pushed onto the result. */
export function baseHeaders(context: RequestContext, contentType: string): HeaderList {
  const headers = [
    'Audit-Id',
    context.auditId,
    'Cache-Control',
    'no-cache, private',
    'Content-Type',
    contentType,
  ];
  if (context.warnings !== undefined) {
    for (const warning of warningHeaders(context.warnings)) headers.push('Warning', warning);
  }
  return headers;
}

function warningHeaders(warnings: readonly string[]): string[] {
  const total = warnings.reduce((sum, text) => sum + text.length, 0);
  const limit = total > WARNINGS_TOTAL_LIMIT ? WARNING_LIMIT_WHEN_LONG : Infinity;
  return warnings.map((text) => `299 - "${quotable(text.slice(0, limit))}"`);
}

/** Header values are one line of visible characters; others are replaced, quotes and backslashes escaped. */
function quotable(text: string): string {
  return text.replaceAll(/[\\"]/g, String.raw`\$&`).replaceAll(/[^\t\x20-\x7e]/g, '?');
}

/** Sends a complete body. GET answers above 128 KiB are compressed when the client takes gzip. */
export function sendBytes(
  context: RequestContext,
  code: number,
  headers: HeaderList,
  body: Buffer,
): void {
  const { request, response } = context;
  if (response.headersSent || response.destroyed) return;
  context.audit?.responseBody(body);
  if (body.length > GZIP_THRESHOLD_BYTES && request.method === 'GET' && acceptsGzip(context)) {
    gzip(body, { level: constants.Z_BEST_SPEED }, (error, compressed) => {
      if (response.destroyed) return;
      if (error === null) {
        headers.push('Content-Encoding', 'gzip', 'Vary', 'Accept-Encoding');
        end(context, code, headers, compressed);
      } else end(context, code, headers, body);
    });
    return;
  }
  end(context, code, headers, body);
}

function end(context: RequestContext, code: number, headers: HeaderList, body: Buffer): void {
  headers.push('Content-Length', String(body.length));
  context.responseBytes += body.length;
  context.response.writeHead(code, headers);
  context.response.end(context.request.method === 'HEAD' ? undefined : body);
}

export function acceptsGzip(context: RequestContext): boolean {
  return acceptsEncoding(context.request.headers['accept-encoding'], 'gzip');
}

/** Sends any value as JSON with a newline behind it. */
export function sendJSON(context: RequestContext, code: number, value: unknown): void {
  const pretty = isPretty(context);
  const text = pretty ? JSON.stringify(value, undefined, 2) : JSON.stringify(value);
  sendBytes(context, code, baseHeaders(context, JSON_TYPE), Buffer.from(`${text}\n`));
}

/** As upstream: whoever uses these looks at the answer. */
const FOR_PEOPLE = /^(?:curl|Wget|Mozilla\/5\.0)/;

export function isPretty(context: RequestContext): boolean {
  const value = context.info.query.get('pretty');
  if (value !== null) return value === 'true' || value === '1';
  return FOR_PEOPLE.test(context.request.headers['user-agent'] ?? '');
}

export function sendText(context: RequestContext, code: number, text: string): void {
  const headers = baseHeaders(context, TEXT_TYPE);
  headers.push('X-Content-Type-Options', 'nosniff');
  sendBytes(context, code, headers, Buffer.from(text));
}

/** Sends an error as Status. What is not an ApiError is a fault of ours: 500, and the cause goes to the log only. */
export function sendError(context: RequestContext, thrown: unknown, logger: Logger): void {
  const { response } = context;
  const error = thrown instanceof ApiError ? thrown : unexpected(context, thrown, logger);
  if (error.code >= 500 && thrown instanceof ApiError && error.cause !== undefined) {
    logger.error('Request failed', { ...describe(context), code: error.code, error });
  }
  if (response.headersSent) {
    // Too late to say so: a cut connection is the only honest end of a broken body.
    response.destroy();
    return;
  }
  const headers = baseHeaders(context, JSON_TYPE);
  headers.push('X-Content-Type-Options', 'nosniff');
  const retryAfter = error.details?.retryAfterSeconds;
  if (retryAfter !== undefined && (error.code === 429 || error.code >= 500)) {
    headers.push('Retry-After', String(retryAfter));
  }
  const status = error.toStatus();
  context.audit?.failed(status);
  const body = encodeStatus(status);
  if (hasAllOf(context.request)) sendBytes(context, error.code, headers, body);
  else sendBeforeEnd(context, error.code, headers, body);
}

/**
 * Nothing more comes: all was read, or no body was announced. The latter is what matters: requests that only read are refused
 * within the event that brings them, before they count as complete, and another handshake for each of them costs more than all else.
 */
function hasAllOf({ complete, headers }: IncomingMessage): boolean {
  return (
    complete ||
    (headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0)
  );
}

/**
 * Answers while the client still sends. The connection cannot be used again; closing it at once, with bytes unread, would
 * reset it and take the answer along, so what comes is thrown away until the client stops or the request's time is over.
 */
function sendBeforeEnd(
  context: RequestContext,
  code: number,
  headers: HeaderList,
  body: Buffer,
): void {
  const { request, response } = context;
  if (response.destroyed) return;
  headers.push('Connection', 'close', 'Content-Length', String(body.length));
  context.responseBytes += body.length;
  response.writeHead(code, headers);
  response.write(body);
  const end = (): void => void response.end();
  request.once('end', end);
  request.once('close', end);
  request.resume();
}

export function encodeStatus(status: Status): Buffer {
  return Buffer.from(`${JSON.stringify(status)}\n`);
}

function unexpected(context: RequestContext, thrown: unknown, logger: Logger): ApiError {
  logger.error('Request failed unexpectedly', {
    ...describe(context),
    error: thrown,
    stack: thrown instanceof Error ? thrown.stack : undefined,
  });
  return internalError('see the server log for the cause', thrown);
}

function describe(context: RequestContext): Record<string, unknown> {
  return { auditId: context.auditId, method: context.info.method, path: context.info.path };
}
