// The values of a Secret, as text.
import type { ApiObject, Client } from '../machinery/client-types.ts';
import { isNotFound } from '../machinery/request-error.ts';
import { SECRETS } from '../machinery/resources.ts';

interface Secret extends ApiObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** Undefined when it is not there. */
export async function secretData(
  client: Pick<Client, 'get'>,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>> | undefined> {
  try {
    const { data = {} } = await client.get<Secret>(SECRETS, namespace, name, signal);
    return Object.fromEntries(
      Object.entries(data).map(([key, value]) => [
        key,
        Buffer.from(value, 'base64').toString('utf8'),
      ]),
    );
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
