// What an HTTP answer means for a download: whether to go on, come back, or give up. Pure.
import { ArtifactError } from './artifact-error.ts';

/** Worth another try: the server, or something before it, is busy or broken at the moment. */
const TRANSIENT = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Lower-case names; several values of one name are joined. */
export type Headers = Readonly<Record<string, string>>;

export function isTransient(error: unknown): error is ArtifactError {
  return (
    error instanceof ArtifactError &&
    (error.failure === 'Unreachable' || error.failure === 'RateLimited')
  );
}

/** @param where redacted */
export function errorOfStatus(
  status: number,
  headers: Headers,
  where: string,
  now: number,
): ArtifactError {
  if (TRANSIENT.has(status)) {
    const retryAfterMs = parseRetryAfter(headers['retry-after'], now);
    return new ArtifactError(
      status === 429 ? 'RateLimited' : 'Unreachable',
      `${where} answers ${status}${status === 429 ? ': too many requests' : ''}`,
      retryAfterMs === undefined ? {} : { retryAfterMs },
    );
  }
  if (status === 404 || status === 410)
    return new ArtifactError('NotFound', `${where} answers ${status}: there is no such file`);
  const hint =
    status === 401 || status === 403
      ? ': it wants a login; an Artifact gives one with headersSecretRef'
      : '';
  return new ArtifactError('Refused', `${where} answers ${status}${hint}`);
}

/** Seconds or a date (RFC 9110 §10.2.3) as milliseconds from now. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

/** What the bytes are an excerpt of: a strong ETag, else the date; undefined where none can be told from another. */
export function validatorOf(headers: Headers): string | undefined {
  const etag = headers['etag'];
  if (etag !== undefined && etag.startsWith('"')) return etag;
  return etag === undefined ? headers['last-modified'] : undefined;
}

export interface ContentRange {
  readonly start: number;
  /** Of the whole; undefined where the server does not know. */
  readonly total: number | undefined;
}

export function parseContentRange(value: string | undefined): ContentRange | undefined {
  const match = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(value ?? '');
  if (match === null) return undefined;
  const [, start, total] = match;
  return { start: Number(start), total: total === '*' ? undefined : Number(total) };
}

export function contentLength(headers: Headers): number | undefined {
  const length = headers['content-length'];
  return length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined;
}
