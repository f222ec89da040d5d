// A browser can set no header of a WebSocket, so it shows its bearer token as one of the subprotocols
// (k8s.io/apiserver authentication/request/websocket). It is a secret: the answer must not name it.
import type { IncomingHttpHeaders } from 'node:http';

const TOKEN_PROTOCOL = 'base64url.bearer.authorization.k8s.io.';

function protocolsOf(headers: IncomingHttpHeaders): readonly string[] {
  return (headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** The subprotocols that are ones. */
export function offeredProtocols(headers: IncomingHttpHeaders): readonly string[] {
  return protocolsOf(headers).filter((name) => !name.startsWith(TOKEN_PROTOCOL));
}

/**
 * The Authorization header of a request, or what stands for it in the subprotocols of a WebSocket. As upstream there must be another
 * subprotocol beside the token; without one, or with two tokens, it is no token at all.
 */
export function authorizationOf(headers: IncomingHttpHeaders): string | undefined {
  if (headers.authorization !== undefined) return headers.authorization;
  if (headers.upgrade?.toLowerCase() !== 'websocket') return undefined;
  const tokens = protocolsOf(headers).filter((name) => name.startsWith(TOKEN_PROTOCOL));
  const [token, ...more] = tokens;
  if (token === undefined) return undefined;
  // What is no token is refused, rather than passed over as if nothing had been shown.
  if (more.length > 0 || offeredProtocols(headers).length === 0) return 'Bearer';
  return `Bearer ${Buffer.from(token.slice(TOKEN_PROTOCOL.length), 'base64url').toString('utf8')}`;
}
