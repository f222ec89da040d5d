// Where requests with secrets may go: the server they are for, and no other. Pure.
import { ArtifactError } from './artifact-error.ts';
import { redactURL } from './redact-url.ts';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Plain HTTP shows them to everybody on the way, but not on the way to oneself. @throws ArtifactError `Refused` */
export function requireSecretChannel(url: URL): void {
  if (url.protocol !== 'http:' || LOOPBACK.test(url.hostname)) return;
  throw new ArtifactError(
    'Refused',
    `${redactURL(url)} is not asked: credentials are sent over https only`,
  );
}

/** Where a redirect leads. @throws ArtifactError `Refused` for what is not followed: from https to anything else, or with a login */
export function redirected(from: URL, location: string): URL {
  const target = URL.parse(location, from);
  const shown = redactURL(from);
  if (target === null) throw new ArtifactError('Refused', `${shown} redirects to no URL`);
  const isAllowed =
    target.protocol === 'https:' || (target.protocol === 'http:' && from.protocol === 'http:');
  if (!isAllowed || target.username !== '' || target.password !== '')
    throw new ArtifactError(
      'Refused',
      `${shown} leads to a ${target.protocol}// URL, which is not followed`,
    );
  return target;
}
