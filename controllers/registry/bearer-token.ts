// Asks the token server that a registry names for a token (the `Bearer` challenge of the distribution project).
import { jsonFields } from '#platform/json-fields.ts';
import type { RegistryLogin } from '../machinery/docker-config.ts';
import { RegistryError } from './registry-error.ts';
import type { Transport } from './transport.ts';

export interface TokenRequest {
  /** Of the challenge: realm, service, scope. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Used when the challenge names none. */
  readonly scope: string;
  readonly login: RegistryLogin | undefined;
  /** Who asked for it. */
  readonly registry: URL;
}

const TOKEN_LIMIT_BYTES = 256 << 10;
const CLIENT_ID = 'windlass';

/** The value of an Authorization header. @throws RegistryError `unauthorized` when the token server says no */
export async function fetchToken(
  transport: Transport,
  { parameters, scope, login, registry }: TokenRequest,
  signal: AbortSignal,
): Promise<string> {
  const realm = URL.parse(parameters.get('realm') ?? '');
  if (realm === null || !isAllowed(transport, realm, registry))
    throw new RegistryError(
      'refused',
      `registry ${registry.host} sends its users for a token to a place that is not asked: it must be an https URL`,
    );
  const query = new URLSearchParams(realm.search);
  const service = parameters.get('service');
  if (service !== undefined) query.set('service', service);
  query.set('scope', scope);
  const refresh = login?.identityToken;
  if (refresh !== undefined) {
    query.set('grant_type', 'refresh_token');
    query.set('refresh_token', refresh);
    query.set('client_id', CLIENT_ID);
  }
  const url = new URL(realm);
  url.search = refresh === undefined ? query.toString() : '';
  const answer = await transport.send(
    {
      method: refresh === undefined ? 'GET' : 'POST',
      url,
      limitBytes: TOKEN_LIMIT_BYTES,
      ...(refresh === undefined
        ? {}
        : {
            headers: { 'content-type': 'application/x-www-form-urlencoded' },
            body: query.toString(),
          }),
      authorization:
        refresh === undefined && login !== undefined && login.username !== ''
          ? `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`
          : undefined,
    },
    signal,
  );
  if (answer.status === 401 || answer.status === 403)
    throw new RegistryError('unauthorized', `${url.host} does not accept the login`);
  const token = answer.status === 200 ? tokenOf(answer.body) : undefined;
  if (token === undefined)
    throw new RegistryError('refused', `${url.host} answers ${answer.status} and gives no token`);
  return `Bearer ${token}`;
}

/** Passwords go over TLS, or stay on this machine and where the user allowed it. */
function isAllowed(transport: Transport, realm: URL, registry: URL): boolean {
  if (realm.username !== '' || realm.password !== '') return false;
  if (realm.protocol === 'https:') return true;
  return (
    realm.protocol === 'http:' && registry.protocol === 'http:' && transport.mayBePlain(realm.host)
  );
}

function tokenOf(body: Buffer): string | undefined {
  const fields = jsonFields(body.toString('utf8'));
  if (fields === undefined) return undefined;
  const { token, access_token: accessToken } = fields;
  const found = typeof token === 'string' && token !== '' ? token : accessToken;
  // It becomes part of a header.
  return typeof found === 'string' && /^[!-~]+$/.test(found) ? found : undefined;
}
