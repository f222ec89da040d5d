// What went wrong on the way to a webhook, in the words of Go's net and tls packages: operators and their tests search for those.

interface NetworkError {
  readonly code?: unknown;
  readonly address?: string | undefined;
  readonly port?: number | undefined;
  readonly hostname?: string | undefined;
  readonly syscall?: string | undefined;
}

const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Says nothing of what the other side sent. */
export function networkWords(error: unknown): string {
  const { code, address, port, hostname, syscall } = (error ?? {}) as NetworkError;
  const name = typeof code === 'string' ? code : '';
  const to = `dial tcp ${address === undefined ? '' : `${host(address)}:${port}`}: `;
  const unverified = 'tls: failed to verify certificate: x509: ';
  switch (name) {
    case 'ECONNREFUSED':
      return `${to}connect: connection refused`;
    case 'EHOSTUNREACH':
      return `${to}connect: no route to host`;
    case 'ENETUNREACH':
      return `${to}connect: network is unreachable`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `dial tcp: lookup ${hostname}: no such host`;
    case 'ETIMEDOUT':
      return `${to}i/o timeout`;
    case 'ECONNRESET':
    case 'EPIPE':
      return syscall === undefined ? 'EOF' : `${syscall}: connection reset by peer`;
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return `${unverified}certificate has expired or is not yet valid`;
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `${unverified}certificate is not valid for this name`;
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return 'http: server gave HTTP response to HTTPS client';
    default:
      break;
  }
  if (UNKNOWN_AUTHORITY.has(name)) return `${unverified}certificate signed by unknown authority`;
  if (name.startsWith('HPE_')) {
    return 'net/http: HTTP/1.x transport connection broken: malformed HTTP response';
  }
  if (name.startsWith('ERR_SSL_')) return `tls: handshake failure (${name})`;
  return name === '' ? 'the connection failed' : `the connection failed (${name})`;
}

function host(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

const STATUS_WORDS: Readonly<Record<number, string>> = {
  400: 'the server rejected our request for an unknown reason',
  401: 'the server has asked for the client to provide credentials',
  403: 'the server does not allow access to the requested resource',
  404: 'the server could not find the requested resource',
  405: 'the server does not allow this method on the requested resource',
  409: 'the server reported a conflict',
  422: 'the server rejected our request due to an error in our request',
  429: 'the server has received too many requests and has asked us to try again later',
  503: 'the server is currently unable to handle the request',
  504: 'the server was unable to return a response in the time allotted, but may still be processing the request',
};

/** An answer other than 2xx; redirects are not followed. The body is not shown: whoever configures a webhook shall not read with it. */
export function statusWords(code: number): string {
  const known = Object.hasOwn(STATUS_WORDS, code) ? STATUS_WORDS[code] : undefined;
  if (known !== undefined) return known;
  return code >= 500
    ? 'an error on the server ("unknown") has prevented the request from succeeding'
    : `the server responded with the status code ${code} but did not return more information`;
}
