// From a code or a pasted token to a session, and back.
import { ApiFailure, failureOf } from './api-failure.ts';
import { Api, send } from './api.ts';
import type { Session } from './session.ts';

const SESSIONS = '/windlass/v1/console/sessions';

/** @throws ApiFailure */
export async function exchangeCode(code: string): Promise<Session> {
  const response = await send('POST', SESSIONS, {
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ code }),
  });
  const text = await response.text();
  if (!response.ok) throw failureOf(response.status, text);
  const { token, user, expires } = JSON.parse(text) as {
    readonly token: string;
    readonly user: { readonly name: string };
    readonly expires: string;
  };
  return { token, user: user.name, expires };
}

/** Asks the server whose token it is. @throws ApiFailure */
export async function sessionOf(token: string): Promise<Session> {
  // What no header can carry is no token either.
  if (!/^[\w.~+/=-]+$/.test(token)) throw new ApiFailure(401, 'Unauthorized', 'this is no token');
  const api = new Api(token, () => undefined);
  const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  const review = await api.request<{
    readonly status?: { readonly userInfo?: { readonly username?: string } };
  }>('POST', path, { body });
  return { token, user: review.status?.userInfo?.username ?? '' };
}

/** Best effort: a server that cannot be reached forgets it by itself. */
export async function signOut({ token }: Session): Promise<void> {
  await new Api(token, () => undefined).response('DELETE', SESSIONS).catch(() => undefined);
}
