// Reads an answer other than success: the Status in its body, or whatever a proxy in between said, and when to come again.
import type { IncomingHttpHeaders } from 'node:http';
import type { RequestError } from './request-error.ts';
import { requestErrorOf } from './request-error.ts';

export function refusalOf(
  { method, path }: { readonly method: string; readonly path: string },
  statusCode: number,
  headers: IncomingHttpHeaders,
  text: string,
): RequestError {
  const retryAfter = secondsOf(headers['retry-after']);
  return requestErrorOf(statusCode, parseJSON(text), method, path, retryAfter);
}

/** Seconds of a Retry-After header; servers of this API send no dates in it. */
function secondsOf(header: string | undefined): number | undefined {
  return typeof header === 'string' && /^\d{1,6}$/.test(header) ? Number(header) : undefined;
}

function parseJSON(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
