// What an earlier deployment of a project made and its files do not hold any more: found by the label, told, and removed on demand.
import type { ApiObject, ApiResource, Client } from '#controllers/machinery/client-types.ts';
import { isNotFound } from '#controllers/machinery/request-error.ts';
import { CONFIG_MAPS, PODS, SERVICES } from '#controllers/machinery/resources.ts';
import { SERVICE_LABEL } from '#controllers/service/types.ts';
import type { Service } from '#controllers/service/types.ts';
import { keyOf, PROJECT_LABEL } from '../project/read-project.ts';
import type { Project } from '../project/read-project.ts';

const SECRETS: ApiResource = {
  group: '',
  version: 'v1',
  resource: 'secrets',
  kind: 'Secret',
  namespaced: true,
};

export interface Leftover {
  readonly resource: ApiResource;
  readonly object: ApiObject;
  /** As kubectl calls it. */
  readonly name: string;
  /** Of a service. */
  readonly instances: number;
  /** Volumes of a service that stay when it goes. */
  readonly volumes: readonly string[];
}

/**
 * Services first: what they use goes after them. Nothing that anybody else made: not what has no label of the project, or an owner.
 *
 * @param namespace of what names none
 */
export async function leftoversOf(
  client: Client,
  { name: project, manifests, declared }: Project,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly Leftover[]> {
  if (project === undefined) return [];
  const namespaces = new Set([
    namespace,
    ...manifests.map(({ object }) => object.metadata.namespace ?? namespace),
  ]);
  const found: Leftover[] = [];
  for (const resource of [SERVICES, CONFIG_MAPS, SECRETS])
    for (const one of namespaces) {
      const selectors = { namespace: one, labelSelector: `${PROJECT_LABEL}=${project}` };
      const { items } = await client.list(resource, selectors, signal);
      for (const object of items) {
        const { metadata } = object;
        const isOwned = (metadata.ownerReferences ?? []).length > 0;
        if (isOwned || metadata.deletionTimestamp !== undefined) continue;
        if (declared.has(keyOf(resource.group, resource.kind, one, metadata.name))) continue;
        found.push(await leftoverOf(client, resource, object, signal));
      }
    }
  return found;
}

async function leftoverOf(
  client: Client,
  resource: ApiResource,
  object: ApiObject,
  signal: AbortSignal,
): Promise<Leftover> {
  const { namespace = 'default', name } = object.metadata;
  if (resource !== SERVICES)
    return {
      resource,
      object,
      name: `${resource.kind.toLowerCase()}/${name}`,
      instances: 0,
      volumes: [],
    };
  const labelSelector = `${SERVICE_LABEL}=${name}`;
  const { items } = await client.list(PODS, { namespace, labelSelector }, signal);
  const { volumes = [] } = (object as Service).spec;
  return {
    resource,
    object,
    name: `service.windlass.dev/${name}`,
    instances: items.length,
    volumes: volumes.map((volume) => volume.claimName ?? volume.name),
  };
}

/** Lines of the plan. */
export function leftoverText(leftovers: readonly Leftover[]): string {
  return leftovers
    .map(({ resource, object, name, instances, volumes }) => {
      if (resource !== SERVICES) return `- remove ${name}\n`;
      const has = instances === 1 ? '1 instance' : `${instances} instances`;
      const stay =
        volumes.length === 0
          ? ''
          : `; ${volumes.length === 1 ? 'its volume stays' : 'its volumes stay'}: ${volumes.join(', ')}`;
      return `- remove service ${object.metadata.name} (${has}${stay})\n`;
    })
    .join('');
}

/** @returns whether it was there: somebody else may have removed it since */
export async function removeLeftover(
  client: Client,
  { resource, object }: Leftover,
  signal: AbortSignal,
): Promise<boolean> {
  const { namespace = '', name, uid } = object.metadata;
  try {
    // One of the same name that somebody has made since is not what was shown.
    const request = { uid, propagationPolicy: 'Background' } as const;
    await client.delete(resource, namespace, name, request, signal);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
