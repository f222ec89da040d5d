// The server's own certificates, for `windlass certificates`: GET /windlass/v1/certificates says when they end, POST …/renew,
// …/rotate-authority and …/forget-authorities change them while the server serves. For administrators only; never a key. GET
// …/authorities says whom to believe, for nodes too: that is no secret.
import { methodNotAllowed, unknownPath } from '../../api/errors.ts';

import type { Handler } from '../context.ts';
import { sendJSON } from '../respond.ts';
import type { Services } from '../services.ts';

export const OWN_CERTIFICATES_PATH = '/windlass/v1/certificates';

export function ownCertificatesHandler({ ownCertificates }: Services): Handler {
  return async (context) => {
    const { method, path } = context.info;
    const verb = path.slice(OWN_CERTIFICATES_PATH.length);
    const changes: Readonly<Record<string, () => Promise<object>>> = {
      '/renew': () => ownCertificates.renew(),
      '/rotate-authority': () => ownCertificates.rotateAuthority(),
      '/forget-authorities': () => ownCertificates.forgetEarlier(),
    };
    const change = Object.hasOwn(changes, verb) ? changes[verb] : undefined;
    const isQuestion = verb === '' || verb === '/authorities';
    if (!isQuestion && change === undefined) throw unknownPath();
    if (method !== (isQuestion ? 'GET' : 'POST')) throw methodNotAllowed();
    if (verb === '/authorities') {
      sendJSON(context, 200, { authorities: ownCertificates.authorities });
      return;
    }
    sendJSON(context, 200, change === undefined ? ownCertificates.status() : await change());
  };
}
