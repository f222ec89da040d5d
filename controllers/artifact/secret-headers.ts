// Headers that stand in a Secret. Their values go to the server they are for, and nowhere else: no message of ours holds one.
import { ArtifactError } from '../binaries/artifact-error.ts';
import type { Headers } from '../binaries/http-answer.ts';
import type { ApiObject, ApiResource, Client } from '../machinery/client-types.ts';
import { isForbidden, isNotFound } from '../machinery/request-error.ts';
import type { HeadersSecretRef } from './types.ts';

const SECRETS: ApiResource = {
  group: '',
  version: 'v1',
  resource: 'secrets',
  kind: 'Secret',
  namespaced: true,
};
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t\x20-\x7e]*$/;
/** They decide how a request is framed, which is ours to say. */
const OURS = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'range',
  'if-range',
]);

interface Secret extends ApiObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** @throws ArtifactError `Refused` when there is no such Secret, or it holds what is no header; the client's errors */
export async function secretHeaders(
  client: Pick<Client, 'get'>,
  namespace: string,
  { name, key }: HeadersSecretRef,
  signal: AbortSignal,
): Promise<Headers> {
  const what = `Secret ${namespace}/${name} of headersSecretRef`;
  let secret: Secret;
  try {
    secret = await client.get<Secret>(SECRETS, namespace, name, signal);
  } catch (error) {
    if (isNotFound(error)) throw new ArtifactError('Refused', `${what} does not exist`);
    if (isForbidden(error)) throw new ArtifactError('Refused', `${what} may not be read`);
    throw error;
  }
  const { data = {} } = secret;
  if (key !== undefined && data[key] === undefined)
    throw new ArtifactError('Refused', `${what} has no key ${key}`);
  const entries = Object.entries(data).filter(([each]) => key === undefined || each === key);
  return Object.fromEntries(
    entries.map(([header, encoded]) => {
      const value = Buffer.from(encoded, 'base64').toString('utf8').trim();
      if (!NAME.test(header) || !VALUE.test(value) || OURS.has(header.toLowerCase()))
        throw new ArtifactError(
          'Refused',
          `${what} has a key ${header} that cannot be sent as a header`,
        );
      return [header.toLowerCase(), value];
    }),
  );
}
