// POST to serviceaccounts/token, and the documents by which others check such tokens.
import { invalid } from '../../api/errors.ts';
import { validateSchema } from '../../api/schema/validate.ts';
import { builtinSchema } from '../../api/schema/corpus.ts';
import { pruneUnknown } from '../../api/schema/prune.ts';
import { acceptBody } from '../../registry/body.ts';
import { reportProblems, strictBodyError } from '../../registry/problems.ts';
import { requestToken } from '../../tokens/request-token.ts';

import type { Handler } from '../context.ts';
import { decodeSubresource } from '../decode-request.ts';
import { negotiate } from '../negotiate.ts';
import { readBody } from '../request-body.ts';
import { baseHeaders, sendBytes } from '../respond.ts';
import { sendValue } from '../send-object.ts';
import type { Services } from '../services.ts';
import { writeContextOf } from '../write-options.ts';
import { definitionOf } from './get.ts';

const KIND = { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' };

export function tokenRequestHandler({ store, tokens, registry }: Services): Handler {
  const schema = builtinSchema(KIND.group, KIND.version, KIND.kind);
  if (schema === undefined) throw new TypeError('the corpus has no TokenRequest');
  return async (context) => {
    const account = definitionOf(context);
    const representation = negotiate(context.request.headers.accept);
    const write = writeContextOf(context, 'CreateOptions');
    const body = await readBody(context.request);
    const subresource = { name: 'token', verbs: ['create'], kind: KIND } as const;
    const { object, problems } = decodeSubresource(context, body, account, subresource);
    const definition = { ...account, ...KIND };
    acceptBody(definition, object);
    const dropped = pruneUnknown(schema, object);
    reportProblems(problems, dropped, write, strictBodyError(definition));
    const errors = validateSchema(schema, object, '');
    if (errors.length > 0) throw invalid(definition, '', errors);
    const { namespace, name } = context.info;
    const target = { definition: account, namespace, name };
    const wanted = await registry.admit('CREATE', target, 'token', object, write);
    const answer = requestToken(store, tokens.accounts, { namespace, name }, wanted, context.user);
    await sendValue(context, 201, representation, answer);
  };
}

/** /.well-known/openid-configuration: where the keys are, in OpenID Connect's words. */
export function issuerHandler({ tokens, serverAddress }: Services): Handler {
  return (context) => {
    const document = {
      issuer: tokens.accounts.issuer,
      jwks_uri: `https://${serverAddress()}/openid/v1/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: tokens.accounts.keys.algorithms,
    };
    const headers = baseHeaders(context, 'application/json');
    sendBytes(context, 200, headers, Buffer.from(JSON.stringify(document)));
  };
}

/** /openid/v1/jwks: the public keys. */
export function jwksHandler({ tokens }: Services): Handler {
  return (context) => {
    const headers = baseHeaders(context, 'application/jwk-set+json');
    sendBytes(context, 200, headers, Buffer.from(JSON.stringify(tokens.accounts.keys.jwks())));
  };
}
