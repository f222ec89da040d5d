// What must exist before the first client comes: the system namespaces, and the objects that the composition root gives
// (its CustomResourceDefinitions). Created, or brought up to date when a new release describes them differently.
import { isObject } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { parseAPIVersion } from '#controlplane/api/object.ts';
import { copyJson } from '#controlplane/api/schema/json-value.ts';
import { createObject } from './create.ts';
import type { Environment } from './environment.ts';
import { sameJSON } from './equality.ts';
import { internalContext } from './internal-context.ts';
import { badRequest } from '#controlplane/api/errors.ts';
import { decodeStored } from './objects.ts';
import type { Target, WriteContext } from './types.ts';
import { changeObject } from './update.ts';

const SYSTEM_NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const;

/**
 * @param proven definitions of this release: valid, as a test shows, so that the first start does not check hundreds of rules
 * @throws ApiError naming what is wrong with an object; Error when nothing serves its kind
 */
export async function bootstrap(
  env: Environment,
  objects: readonly unknown[],
  signal: AbortSignal,
  proven: readonly unknown[] = [],
): Promise<void> {
  await Promise.all(
    SYSTEM_NAMESPACES.map((name) =>
      ensure(env, { kind: 'Namespace', apiVersion: 'v1', metadata: { name } }, signal),
    ),
  );
  // In the given order: an object may be of a kind that one before it defines.
  const own = { ...internalContext('windlass', signal), isProven: true } as const;
  for (const object of proven) await ensure(env, copyJson(object), signal, own);
  for (const object of objects) await ensure(env, copyJson(object), signal);
}

/** The same for objects that need nothing of each other, at once. */
export async function ensureAll(
  env: Environment,
  objects: readonly unknown[],
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(objects.map((object) => ensure(env, copyJson(object), signal)));
}

async function ensure(
  env: Environment,
  value: unknown,
  signal: AbortSignal,
  context: WriteContext = internalContext('windlass', signal),
): Promise<void> {
  const target = targetOf(env, value);
  const object = value as KubernetesObject;
  const { definition, namespace, name } = target;
  const stored = env.store.get(definition.storageKey, namespace, name);
  if (stored === undefined) {
    await createObject(env, definition, namespace, { object, problems: [] }, context);
    return;
  }
  // Every start but the first after a release ends here, before the cost of validating a large definition again.
  const { status: _status, ...present } = decodeStored(stored, definition);
  if (sameJSON(broughtUpToDate(present, object), present)) return;
  const change = {
    conditional: false,
    refusal: badRequest,
    apply: (old: KubernetesObject) => ({ object: broughtUpToDate(old, object), problems: [] }),
  };
  await changeObject(env, target, '', change, context);
}

/** Ours: every field beside metadata. Theirs: labels and annotations that others added. */
function broughtUpToDate(old: KubernetesObject, wanted: KubernetesObject): KubernetesObject {
  const { metadata, ...fields } = copyJson(wanted) as KubernetesObject;
  if (Object.keys(fields).every((field) => field === 'kind' || field === 'apiVersion')) {
    // Says nothing but the name: existence is all that is asked for.
    return old;
  }
  return {
    ...fields,
    kind: old.kind,
    apiVersion: old.apiVersion,
    metadata: {
      ...old.metadata,
      ...(metadata.labels && { labels: { ...old.metadata.labels, ...metadata.labels } }),
      ...(metadata.annotations && {
        annotations: { ...old.metadata.annotations, ...metadata.annotations },
      }),
    },
  };
}

function targetOf(env: Environment, value: unknown): Target {
  if (!isObject(value) || !isObject(value['metadata'])) {
    throw new Error('Cannot bootstrap: an object has no metadata');
  }
  const object = value as KubernetesObject;
  const { group, version } = parseAPIVersion(object.apiVersion);
  const definition = env.scheme.byKind(group, version, object.kind);
  if (definition === undefined) {
    throw new Error(`Cannot bootstrap ${object.kind}: nothing serves ${object.apiVersion}`);
  }
  const namespace = definition.namespaced ? (object.metadata.namespace ?? 'default') : '';
  return { definition, namespace, name: object.metadata.name ?? '' };
}
