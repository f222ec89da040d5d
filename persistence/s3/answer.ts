// What an answer of the store, or its absence, means. Error names are those of AWS; other servers use the same words for most,
// so the HTTP status decides where the word is unknown.
import { describeS3Location } from './url.ts';
import type { S3Location } from './url.ts';

/** Gone by its own deadline: what became of the request is not known. */
export class AttemptTimeoutError extends Error {
  constructor(milliseconds: number) {
    super(`no answer within ${Math.round(milliseconds / 100) / 10} s`);
    this.name = 'AttemptTimeoutError';
  }
}

/** The connection ended before the whole object had come. */
export class TruncatedBodyError extends Error {
  constructor(expected: number, found: number) {
    super(`${found} of ${expected} bytes came`);
    this.name = 'TruncatedBodyError';
  }
}

/**
 * - condition: If-None-Match or If-Match did not hold; the store is as before
 * - missing: no object of this name
 * - passing: may go better next time; whether a write was kept is not known
 * - full: no more may be stored
 * - refused: a person has to change something first
 */
export type Trouble = 'condition' | 'missing' | 'passing' | 'full' | 'refused';

export type Action = 'put' | 'get' | 'list' | 'delete';

const PASSING_NAMES = new Set([
  'AttemptTimeoutError',
  'TruncatedBodyError',
  'TimeoutError',
  'ConditionalRequestConflict',
  'OperationAborted',
  'RequestTimeout',
  'RequestTimeTooSkewed',
  'SlowDown',
  'ServiceUnavailable',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'InternalError',
  'IncompleteBody',
  'BadDigest',
  'XAmzContentSHA256Mismatch',
  'ExpiredToken',
]);

const FULL_NAMES = new Set(['QuotaExceeded', 'InsufficientStorage', 'XMinioStorageFull']);

/** Of name resolution and of TLS: the first may pass, the second needs a person. */
const CERTIFICATE_CODE =
  /^(ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_SSL|EPROTO|HOSTNAME_MISMATCH)/;

const NEVER_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** What a thrown error means for whoever asked. */
export function troubleOf(error: unknown): Trouble {
  const { name, status, code } = partsOf(error);
  if (FULL_NAMES.has(name) || status === 507) return 'full';
  if (PASSING_NAMES.has(name)) return 'passing';
  if (status === 412) return 'condition';
  if (name === 'NoSuchKey' || (name === 'NotFound' && status === 404)) return 'missing';
  if (status === 409 || status === 429 || status === 408) return 'passing';
  if (status !== undefined) return status >= 500 && status !== 501 ? 'passing' : 'refused';
  if (name === 'CredentialsProviderError') return 'refused';
  // No answer, so something between here and there.
  return code !== undefined && !CERTIFICATE_CODE.test(code) ? 'passing' : 'refused';
}

/** True when the request certainly never changes anything: it did not leave this machine, or was turned away. */
export function isNeverCarriedOut(error: unknown): boolean {
  if (troubleOf(error) === 'full') return true;
  const { name, status, code } = partsOf(error);
  if (status !== undefined)
    return status >= 300 && status < 500 && status !== 408 && status !== 409;
  return (
    name === 'CredentialsProviderError' ||
    (code !== undefined && (NEVER_CONNECTED.has(code) || CERTIFICATE_CODE.test(code)))
  );
}

/** One clause for people: what was found and what to do. Without keys. */
export function wordsOf(error: unknown, location: S3Location, action: Action): string {
  const { name, status, code, message } = partsOf(error);
  const found = `${describeS3Location(location)}: `;
  if (name === 'NoSuchBucket') {
    const endpoint = location.endpoint === undefined ? '' : ` --endpoint-url ${location.endpoint}`;
    return `${found}there is no such bucket; create it (aws s3 mb s3://${location.bucket}${endpoint}): this program makes none`;
  }
  if (name === 'CredentialsProviderError') {
    return `${found}no keys were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_SHARED_CREDENTIALS_FILE to a file with them${location.profile === undefined ? '' : ` in the section ${location.profile}`}`;
  }
  if (name === 'InvalidAccessKeyId' || name === 'InvalidToken') {
    return `${found}the store does not know the access key (${name}); check AWS_ACCESS_KEY_ID or the profile, and that they belong to this endpoint`;
  }
  if (name === 'SignatureDoesNotMatch') {
    return `${found}the secret key is not that of the access key (${name}); check AWS_SECRET_ACCESS_KEY or the profile`;
  }
  if (name === 'ExpiredToken') {
    return `${found}the keys have expired (${name}); get new ones and start again`;
  }
  if (name === 'RequestTimeTooSkewed') {
    return `${found}the clocks of this machine and the store differ by more than 15 minutes (${name}); set the clock of this machine, best by NTP`;
  }
  if (status === 301 || name === 'PermanentRedirect' || name === 'AuthorizationHeaderMalformed') {
    return `${found}the bucket is in another region (${name}); name it with region=…`;
  }
  if (/region is missing/i.test(message)) {
    return `${found}no region is known; add region=… to the URL or set AWS_REGION`;
  }
  if (status === 403 || status === 401) {
    return `${found}${ACTIONS[action]} is not allowed (${name}); the keys need s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload on the prefix, and s3:ListBucket on the bucket`;
  }
  if (troubleOf(error) === 'full') {
    return `${found}no more may be stored (${name}); raise the quota or free space`;
  }
  if (code !== undefined && CERTIFICATE_CODE.test(code)) {
    return `${found}the connection is not secure (${code}); check https:// in endpoint, and name the file with the authority's certificate in NODE_EXTRA_CA_CERTS`;
  }
  if (error instanceof AttemptTimeoutError || error instanceof TruncatedBodyError) {
    return `${found}${message}`;
  }
  const answer = status === undefined ? '' : `it answered ${status} `;
  const said = message === '' || message === name ? '' : `, ${message}`;
  return `${found}${answer}${status === undefined ? `${code ?? name}${said}` : `(${name}${said})`}`;
}

const ACTIONS: Readonly<Record<Action, string>> = {
  put: 'writing',
  get: 'reading',
  list: 'listing',
  delete: 'deleting',
};

interface Parts {
  readonly name: string;
  readonly message: string;
  /** HTTP status, when an answer came. */
  readonly status: number | undefined;
  /** Of the operating system or TLS, when none came. */
  readonly code: string | undefined;
}

function partsOf(error: unknown): Parts {
  if (typeof error !== 'object' || error === null) {
    return { name: 'Error', message: String(error), status: undefined, code: undefined };
  }
  const { name, message, code, $metadata: metadata } = error as Record<string, unknown>;
  const status = (metadata as { httpStatusCode?: unknown } | undefined)?.httpStatusCode;
  return {
    name: typeof name === 'string' && name !== '' ? name : 'Error',
    message: typeof message === 'string' ? printable(message) : '',
    status: typeof status === 'number' ? status : undefined,
    code: typeof code === 'string' ? code : undefined,
  };
}

/** What a stranger says, on one line and not longer than that. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u001f\u007f\s]+/g, ' ').slice(0, 200);
}
