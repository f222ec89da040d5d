// Fetches the ConfigMaps and Secrets that a Pod refers to. The agent may read single objects only, so it asks for each by name.
import type { ApiObject, ApiResource, Client } from '../machinery/client-types.ts';
import { isForbidden, isNotFound } from '../machinery/request-error.ts';
import { CONFIG_MAPS } from '../machinery/resources.ts';
import type { References } from './environment.ts';
import type { Pod } from './pod.ts';

export const SECRETS: ApiResource = {
  group: '',
  version: 'v1',
  resource: 'secrets',
  kind: 'Secret',
  namespaced: true,
};

interface DataObject extends ApiObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

/** Names of the objects that the Pod's environment and volumes refer to. */
export function referencedNames(pod: Pod): { configMaps: Set<string>; secrets: Set<string> } {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  const add = (set: Set<string>, name: string | undefined): void => {
    if (name !== undefined && name !== '') set.add(name);
  };
  for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
    for (const { valueFrom } of container.env ?? []) {
      add(configMaps, valueFrom?.configMapKeyRef?.name);
      add(secrets, valueFrom?.secretKeyRef?.name);
    }
    for (const { configMapRef, secretRef } of container.envFrom ?? []) {
      add(configMaps, configMapRef?.name);
      add(secrets, secretRef?.name);
    }
  }
  for (const { configMap, secret, projected } of pod.spec.volumes ?? []) {
    add(configMaps, configMap?.name);
    add(secrets, secret?.secretName);
    for (const source of projected?.sources ?? []) {
      add(configMaps, source.configMap?.name);
      add(secrets, source.secret?.name);
    }
  }
  return { configMaps, secrets };
}

/** What exists of them; the rest is absent from the answer. */
export async function fetchReferences(
  client: Client,
  pod: Pod,
  signal: AbortSignal,
): Promise<References> {
  const names = referencedNames(pod);
  const namespace = pod.metadata.namespace ?? 'default';
  const fetchAll = async (
    resource: ApiResource,
    wanted: ReadonlySet<string>,
  ): Promise<ReadonlyMap<string, ReadonlyMap<string, Buffer>>> => {
    const found = new Map<string, ReadonlyMap<string, Buffer>>();
    for (const name of wanted) {
      try {
        const object = await client.get<DataObject>(resource, namespace, name, signal);
        found.set(name, dataOf(object, resource === SECRETS));
      } catch (error) {
        // Forbidden: the server has not seen yet that a Pod of ours refers to it. Both are tried again with the container.
        if (!isNotFound(error) && !isForbidden(error)) throw error;
      }
    }
    return found;
  };
  return {
    configMaps: await fetchAll(CONFIG_MAPS, names.configMaps),
    secrets: await fetchAll(SECRETS, names.secrets),
  };
}

/** Too short to be a secret, and likely to stand for something else in a sentence. */
const SHORTEST_SECRET = 4;

/** The text with every token and value of a Secret taken out: a command line may hold one, and errors quote command lines. */
export function withoutSecrets(
  text: string,
  { secrets, tokens }: Pick<References, 'secrets' | 'tokens'>,
): string {
  const values = [...secrets.values()].flatMap((data) =>
    [...data.values()].map((value) => value.toString('utf8').trim()),
  );
  return [...values, ...(tokens?.values() ?? [])]
    .filter((value) => value.length >= SHORTEST_SECRET)
    .toSorted((a, b) => b.length - a.length)
    .reduce((cleaned, value) => cleaned.replaceAll(value, '***'), text);
}

function dataOf(object: DataObject, encoded: boolean): ReadonlyMap<string, Buffer> {
  const data = new Map<string, Buffer>();
  for (const [key, value] of Object.entries(object.data ?? {})) {
    data.set(key, Buffer.from(value, encoded ? 'base64' : 'utf8'));
  }
  for (const [key, value] of Object.entries(object.binaryData ?? {})) {
    data.set(key, Buffer.from(value, 'base64'));
  }
  return data;
}
