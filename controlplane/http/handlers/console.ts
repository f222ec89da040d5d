// The console: its files below /console, and how one signs in. POST /windlass/v1/console/codes gives whoever shows credentials a code
// (GET …/codes/ID says whether it was used), POST …/sessions exchanges a code once for a bearer token of the same user, DELETE …/sessions ends that. Codes and tokens travel in
// bodies and headers only: an address is kept in histories and logs.
import type { TLSSocket } from 'node:tls';

import { ApiError, badRequest, methodNotAllowed, unknownPath } from '../../api/errors.ts';
import { stringAt } from '../../api/fields.ts';
import { formatTimestamp } from '../../api/timestamps.ts';
import { anonymous } from '../../api/user.ts';
import { bearerToken } from '../../identity/authenticate.ts';
import { asksForImpersonation } from '../../identity/impersonation.ts';

import { acceptsEncoding } from '../accept-encoding.ts';
import type { ConsoleFile, ConsolePort, SignInProof } from '../console-port.ts';
import type { Handler, RequestContext } from '../context.ts';
import { readBody } from '../request-body.ts';
import { baseHeaders, sendBytes, sendJSON } from '../respond.ts';
import type { Services } from '../services.ts';

export const CONSOLE_PATH = '/console';
export const SIGN_IN_PATH = '/windlass/v1/console';

const CODE_LENGTH_LIMIT = 256;

/** Nothing but what this server hands out, in no frame of others, and no text of anybody ever read as a page. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const HEADERS: readonly string[] = [
  'Content-Security-Policy',
  POLICY,
  'X-Content-Type-Options',
  'nosniff',
  'X-Frame-Options',
  'DENY',
  'Referrer-Policy',
  'no-referrer',
  'Cross-Origin-Opener-Policy',
  'same-origin',
  'Cross-Origin-Resource-Policy',
  'same-origin',
  'Permissions-Policy',
  'camera=(), microphone=(), geolocation=()',
];

/** Files. Every address below that names none is unknown. */
export function consoleHandler({ console }: Services): Handler {
  if (console === undefined) return () => Promise.reject(unknownPath());
  return async (context) => {
    const { method, path } = context.info;
    const name = path.slice(CONSOLE_PATH.length).replace(/^\//, '');
    const file = await console.file(name);
    if (file === undefined) throw unknownPath();
    if (method !== 'GET' && method !== 'HEAD') throw methodNotAllowed();
    sendFile(context, file);
  };
}

function sendFile(context: RequestContext, file: ConsoleFile): void {
  const { headers: asked } = context.request;
  const headers = baseHeaders(context, file.contentType);
  headers.push(...HEADERS, 'ETag', file.etag, 'Vary', 'Accept-Encoding');
  const known = (asked['if-none-match'] ?? '').split(',').map((etag) => etag.trim());
  if (known.includes(file.etag) || known.includes('*')) {
    context.response.writeHead(304, headers);
    context.response.end();
    return;
  }
  const encoding = (['br', 'gzip'] as const).find((name) =>
    acceptsEncoding(asked['accept-encoding'], name),
  );
  if (encoding !== undefined) headers.push('Content-Encoding', encoding);
  const bodies = { br: file.brotli, gzip: file.gzip };
  sendBytes(context, 200, headers, encoding === undefined ? file.identity : bodies[encoding]);
}

/** Signing in and out. */
export function signInHandler({ console }: Services): Handler {
  if (console === undefined) return () => Promise.reject(unknownPath());
  const { sessions } = console;
  return async (context) => {
    const { method, path } = context.info;
    const [what = '', id = '', ...more] = path.slice(SIGN_IN_PATH.length + 1).split('/');
    if ((what !== 'codes' && what !== 'sessions') || more.length > 0) throw unknownPath();
    switch (`${method} ${what}${id === '' ? '' : '/ID'}`) {
      case 'GET codes/ID':
        sendJSON(context, 200, { state: sessions.stateOf(id, context.user) });
        return;
      case 'POST codes': {
        const { expires, ...offer } = sessions.offer(context.user, proofOf(context, sessions));
        sendSecret(context, 201, {
          ...offer,
          expires: formatTimestamp(expires),
          path: CONSOLE_PATH,
        });
        return;
      }
      case 'POST sessions': {
        const session = sessions.redeem(await codeOf(context));
        if (session === undefined) throw codeRefused();
        const { token, user, expires } = session;
        sendSecret(context, 201, { token, user, expires: formatTimestamp(expires) });
        return;
      }
      case 'DELETE sessions': {
        const token = bearerToken(context.request.headers.authorization);
        if (token !== undefined) sessions.end(token);
        sendJSON(context, 200, { kind: 'Status', apiVersion: 'v1', status: 'Success', code: 200 });
        return;
      }
      default:
        throw methodNotAllowed();
    }
  };
}

function sendSecret(context: RequestContext, code: number, value: object): void {
  const headers = baseHeaders(context, 'application/json');
  headers[headers.indexOf('Cache-Control') + 1] = 'no-store';
  sendBytes(context, code, headers, Buffer.from(`${JSON.stringify(value)}\n`));
}

/** @throws ApiError for whoever has no credentials of their own to sign in with */
function proofOf(context: RequestContext, sessions: ConsolePort['sessions']): SignInProof {
  const { request, user } = context;
  if (user === anonymous)
    throw new ApiError(401, 'Unauthorized', 'signing in to the console needs credentials');
  if (asksForImpersonation(request.headers))
    throw new ApiError(403, 'Forbidden', 'nobody signs in to the console as somebody else');
  const socket = request.socket as TLSSocket;
  // A certificate comes before a token, as it does where requests are authenticated.
  if (socket.authorized) {
    const validUntil = Date.parse(socket.getPeerCertificate().valid_to) || 0;
    return { token: undefined, validUntil };
  }
  const token = bearerToken(request.headers.authorization);
  if (token === undefined || sessions.isSession(token))
    throw new ApiError(
      403,
      'Forbidden',
      'a session of the console cannot begin another one: sign in with credentials of your own',
    );
  return { token, validUntil: Infinity };
}

/** @throws ApiError BadRequest */
async function codeOf(context: RequestContext): Promise<string> {
  const body = await readBody(context.request);
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    // What the parser says of a text would quote it.
    value = undefined;
  }
  const code = stringAt(value, 'code');
  if (code === '' || code.length > CODE_LENGTH_LIMIT)
    throw badRequest('the body must be {"code": "…"}, with the code that windlass console prints');
  return code;
}

function codeRefused(): ApiError {
  return new ApiError(
    401,
    'Unauthorized',
    'the sign-in code was used before, or is older than a minute: run windlass console again',
  );
}
