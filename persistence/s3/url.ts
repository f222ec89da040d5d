// What `s3://BUCKET/PREFIX?endpoint=…&region=…&pathStyle=…&profile=…` means, checked once, part by part. Never holds a key:
// those come from where every AWS client takes them.
import { createHash } from 'node:crypto';

/** Where an instance lies. Plain data, so that it can travel to the worker. */
export interface S3Location {
  readonly bucket: string;
  /** Without slashes at its ends; empty for the whole bucket. */
  readonly prefix: string;
  /** Scheme, host and port, without a slash at the end; undefined is AWS. */
  readonly endpoint: string | undefined;
  /** Undefined: what the environment or the shared configuration says. */
  readonly region: string | undefined;
  /** The bucket in the path, not in the host name. */
  readonly pathStyle: boolean;
  /** Section of the shared credentials file; undefined: as the environment says. */
  readonly profile: string | undefined;
}

/** The URL is wrong. The message says which part, what was found and what to do, and repeats no part that may be secret. */
export class S3UrlError extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'S3UrlError';
  }
}

const EXAMPLE = 's3://my-bucket/windlass?endpoint=https://s3.example.com';
const PARAMETERS = ['endpoint', 'region', 'pathStyle', 'profile'];

/**
 * Takes an `s3://` URL apart.
 *
 * @throws S3UrlError for the first part that is wrong
 */
export function parseS3Url(url: string): S3Location {
  const match = /^s3:\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(#.*)?$/s.exec(url);
  if (match === null) throw new S3UrlError(`a bucket must follow, as in ${EXAMPLE}`);
  const [, authority = '', path = '', query = '', fragment] = match;
  if (authority.includes('@')) {
    throw new S3UrlError(
      'it holds user info before the bucket; keys never stand in the URL: take them out and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile of the shared credentials file with profile=NAME',
    );
  }
  if (fragment !== undefined) throw new S3UrlError('it ends in #…, which means nothing here');
  const parameters = parseParameters(query);
  const endpoint = parseEndpoint(parameters.get('endpoint'));
  return {
    bucket: parseBucket(authority),
    prefix: parsePrefix(path),
    endpoint,
    region: parseName('region', parameters.get('region'), /^[a-z0-9-]{1,64}$/i, 'eu-central-1'),
    // Own servers rarely have a host name for each bucket.
    pathStyle: parsePathStyle(parameters.get('pathStyle')) ?? endpoint !== undefined,
    profile: parseName('profile', parameters.get('profile'), /^[\w.@+-]{1,128}$/, 'backup'),
  };
}

/** What the instance is called. Two URLs that mean the same objects give the same name. */
export function s3InstanceName({ endpoint, bucket, prefix }: S3Location): string {
  const identity = JSON.stringify([endpoint ?? 'aws', bucket, prefix]);
  return `s3-${createHash('sha256').update(identity).digest('hex').slice(0, 8)}`;
}

/** For messages: `s3://bucket/prefix at https://s3.example.com`. */
export function describeS3Location({ bucket, prefix, endpoint }: S3Location): string {
  const path = prefix === '' ? '' : `/${prefix}`;
  return `s3://${bucket}${path}${endpoint === undefined ? '' : ` at ${endpoint}`}`;
}

/** The URL as a message may show it: without user info and without values of parameters that we do not know. */
export function redactS3Url(url: string): string {
  const [base = '', query] = url.split(/\?(.*)/s);
  const [authority = ''] = base.slice('s3://'.length).split('/');
  const shown = (
    base.includes('@')
      ? base.replace(/^s3:\/\/.*@/s, 's3://…@')
      : base.replace(authority, shownPart(authority))
  ).replace(/#.*/s, '#…');
  if (query === undefined) return shown;
  const parameters = query.split('&').map((parameter) => {
    const name = parameter.split('=')[0] ?? '';
    const [[, value = ''] = []] = new URLSearchParams(parameter);
    const isShown = PARAMETERS.includes(name) && !/[@?#%;&=]/.test(value);
    return isShown ? parameter : `${name}=…`;
  });
  return `${shown}?${parameters.join('&')}`;
}

function parseBucket(bucket: string): string {
  if (bucket === '') throw new S3UrlError(`a bucket must follow, as in ${EXAMPLE}`);
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) || bucket.includes('..')) {
    throw new S3UrlError(
      `the bucket is "${shownPart(bucket)}"; names of buckets are 3 to 63 lower-case letters, digits, dots and dashes, with a letter or digit at both ends`,
    );
  }
  return bucket;
}

function parsePrefix(path: string): string {
  const prefix = path.replaceAll(/^\/+|\/+$/g, '');
  if (prefix === '') return '';
  const wrong = prefix.split('/').find((part) => !/^[A-Za-z0-9._-]+$/.test(part) || isDots(part));
  if (wrong !== undefined) {
    throw new S3UrlError(
      `the prefix holds "${wrong}"; its parts are letters, digits, dots, dashes and underscores, with one slash between them`,
    );
  }
  if (prefix.length > 512) {
    throw new S3UrlError(`the prefix has ${prefix.length} characters; 512 are the most`);
  }
  return prefix;
}

function isDots(part: string): boolean {
  return part === '.' || part === '..';
}

function parseParameters(query: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (/key|secret|token|password|credential|signature/i.test(name)) {
      throw new S3UrlError(
        `it holds the parameter ${name}; keys never stand in the URL: take it out and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile of the shared credentials file with profile=NAME`,
      );
    }
    if (!PARAMETERS.includes(name)) {
      throw new S3UrlError(
        `it holds the parameter ${shownPart(name)}; known are ${PARAMETERS.join(', ')}`,
      );
    }
    if (parameters.has(name)) throw new S3UrlError(`it holds ${name} twice; give it once`);
    if (value === '') throw new S3UrlError(`${name} is empty; give it a value or leave it out`);
    parameters.set(name, value);
  }
  return parameters;
}

function parseEndpoint(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const endpoint = URL.parse(text);
  if (endpoint === null || !/^https?:$/.test(endpoint.protocol)) {
    const shown = /[@?#]/.test(text) ? 'not' : `"${text}", which is not`;
    throw new S3UrlError(`endpoint is ${shown} a URL like https://s3.example.com`);
  }
  if (endpoint.username !== '' || endpoint.password !== '') {
    throw new S3UrlError(
      'endpoint holds user info; keys never stand in the URL: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    );
  }
  if (endpoint.pathname !== '/' || endpoint.search !== '' || endpoint.hash !== '') {
    throw new S3UrlError(
      `endpoint has more than ${endpoint.origin}; it ends with the host and port: bucket and prefix go before the "?"`,
    );
  }
  if (endpoint.protocol === 'http:' && !isLoopback(endpoint.hostname)) {
    throw new S3UrlError(
      `endpoint is "${text}", which sends everything unencrypted; use https:// (plain http:// is for this machine's own addresses, 127.0.0.1 and the like)`,
    );
  }
  return endpoint.origin;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function parsePathStyle(text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  if (text !== 'true' && text !== 'false') {
    throw new S3UrlError(`pathStyle is "${shownPart(text)}"; it is true or false`);
  }
  return text === 'true';
}

function parseName(
  parameter: string,
  text: string | undefined,
  form: RegExp,
  example: string,
): string | undefined {
  if (text === undefined || form.test(text)) return text;
  throw new S3UrlError(`${parameter} is "${shownPart(text)}"; give a name like ${example}`);
}

/** Up to where user info or other parameters may begin that were written in another way; a port may be seen. */
function shownPart(text: string): string {
  return /^[^:]*:\d{1,5}$/.test(text) ? text : text.replace(/[:&=@?#%;].*/s, '…');
}
