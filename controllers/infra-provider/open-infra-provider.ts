// From an InfraProvider object to the provider that it describes, with its credentials. For its own controller, and for those of
// clusters and machines.
import { DEFAULT_LIMITS } from '../infrastructure/each-node.ts';
import { CredentialsRefused, InvalidRequest } from '../infrastructure/errors.ts';
import { openProvider } from '../infrastructure/open-provider.ts';
import type { ProviderParts } from '../infrastructure/open-provider.ts';
import type { Provider } from '../infrastructure/provider.ts';
import type { ApiObject, Client } from '../machinery/client-types.ts';
import { isNotFound } from '../machinery/request-error.ts';
import { SECRETS } from '../machinery/resources.ts';
import { parseDuration } from '../machinery/duration.ts';
import type { InfraProvider } from './types.ts';

interface Secret extends ApiObject {
  readonly data?: Readonly<Record<string, string>>;
}

const DEFAULT_KEY = 'token';

/**
 * @throws InvalidRequest naming the field. CredentialsRefused when the Secret or its key is not there. What the client throws when the
 *   server cannot be asked
 */
export async function openInfraProvider(
  client: Pick<Client, 'get'>,
  { metadata, spec }: InfraProvider,
  parts: ProviderParts,
  signal: AbortSignal,
): Promise<Provider> {
  const { type, endpoint, settings = {}, labelScheme = 'windlass', limits = {} } = spec;
  const { parallel = DEFAULT_LIMITS.parallel, nodeTimeout } = limits;
  const namespace = metadata.namespace ?? '';
  const credentials = await readCredentials(client, namespace, spec, signal);
  return openProvider(
    {
      name: `${namespace}/${metadata.name}`,
      type,
      settings,
      labelScheme,
      adoptedClusters: spec.adoptedClusters ?? [],
      limits: { parallel, nodeTimeoutMs: timeoutOf(nodeTimeout) },
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(credentials === undefined ? {} : { credentials }),
    },
    parts,
  );
}

async function readCredentials(
  client: Pick<Client, 'get'>,
  namespace: string,
  { type, credentialsSecretRef: reference }: InfraProvider['spec'],
  signal: AbortSignal,
): Promise<string | undefined> {
  if (reference === undefined) return undefined;
  const { name, key = DEFAULT_KEY } = reference;
  let secret: Secret;
  try {
    secret = await client.get<Secret>(SECRETS, namespace, name, signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new CredentialsRefused(type.toLowerCase(), `there is no Secret ${namespace}/${name}`);
  }
  const value = Object.hasOwn(secret.data ?? {}, key) ? secret.data?.[key] : undefined;
  const text = value === undefined ? '' : Buffer.from(value, 'base64').toString('utf8').trim();
  if (text === '')
    throw new CredentialsRefused(
      type.toLowerCase(),
      `Secret ${namespace}/${name} has nothing in key ${JSON.stringify(key)}`,
    );
  return text;
}

function timeoutOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LIMITS.nodeTimeoutMs;
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined || milliseconds === 0)
    throw new InvalidRequest(
      `spec.limits.nodeTimeout must be a duration such as 5m, found ${JSON.stringify(text)}`,
    );
  return milliseconds;
}
