// CustomResourceDefinitions as they become real: an established one puts its kinds into the scheme as soon as the write
// is durable; a deleted one first takes its instances with it, then its kinds out of the scheme.
import { badRequest, forbidden } from '#controlplane/api/errors.ts';
import { conditionOf, listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import { definitionsOf } from '#controlplane/api/custom-resource.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { copyJson } from '#controlplane/api/schema/json-value.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import { storageKeyOf } from '#controlplane/api/resource.ts';
import type { StoredObject } from '#controlplane/store/types.ts';
import { deleteCollection } from './delete-collection.ts';
import type { CustomResourceHooks, Environment, NamesInUse } from './environment.ts';
import { sameJSON } from './equality.ts';
import { internalContext } from './internal-context.ts';
import { isOfVersion } from './objects.ts';
import {
  CLEANUP_FINALIZER,
  CUSTOM_RESOURCE_DEFINITIONS,
} from './strategies/custom-resource-definition.ts';
import { changeObject } from './update.ts';
import type { Change } from './update.ts';

interface Known {
  readonly name: string;
  readonly storageKey: string;
  readonly definitions: readonly ResourceDefinition[];
  /** The CustomResourceDefinition. */
  readonly object: KubernetesObject;
  /** The revision at which its spec became what it is. */
  readonly since: number;
  readonly terminating: boolean;
}

export class CustomResources implements CustomResourceHooks {
  readonly #env: () => Environment;
  readonly #closing = new AbortController();
  readonly #byKey = new Map<string, Known>();
  /** Clean-ups under way, by storage key of the instances. */
  readonly #cleanups = new Map<string, Promise<void>>();
  /** The last write of a definition. */
  #lastWrite: Promise<unknown> = Promise.resolve();

  /** @param env asked for late: the environment holds this object in turn */
  constructor(env: () => Environment) {
    this.#env = env;
  }

  /** Takes over what the store holds at start; goes on with deletions that a stop interrupted. */
  load(): void {
    const { items } = this.#env().store.list(CUSTOM_RESOURCE_DEFINITIONS, {});
    for (const stored of items) this.#learn(stored);
  }

  /**
   * Runs writes of definitions one after the other: whether names are free is decided against the definitions that are
   * known, and one on its way to the disk is not.
   */
  inTurn<T>(definition: ResourceDefinition, write: () => Promise<T>): Promise<T> {
    if (definition.storageKey !== CUSTOM_RESOURCE_DEFINITIONS) return write();
    const result = this.#lastWrite.then(write);
    this.#lastWrite = result.catch(() => undefined);
    return result;
  }

  admitCreate(definition: ResourceDefinition, name: string): void {
    const known = definition.custom ? this.#byKey.get(definition.storageKey) : undefined;
    if (known === undefined) return;
    const key = `${CUSTOM_RESOURCE_DEFINITIONS}/${known.name}`;
    if (!known.terminating && !this.#env().terminating.has(key)) return;
    throw forbidden(
      definition,
      name,
      'create not allowed while custom resource definition is terminating',
    );
  }

  acceptedNames(group: string, except: string): NamesInUse {
    const inUse = { resources: new Set<string>(), kinds: new Set<string>() };
    for (const { name, object } of this.#byKey.values()) {
      if (name === except || stringAt(object, 'spec', 'group') !== group) continue;
      const names = objectAt(object, 'status', 'acceptedNames');
      const shortNames = listAt(names, 'shortNames').map(String);
      for (const used of [stringAt(names, 'plural'), stringAt(names, 'singular'), ...shortNames]) {
        inUse.resources.add(used);
      }
      inUse.kinds.add(stringAt(names, 'kind')).add(stringAt(names, 'listKind'));
    }
    return inUse;
  }

  written(definition: ResourceDefinition, stored: StoredObject): void {
    if (definition.storageKey === CUSTOM_RESOURCE_DEFINITIONS) this.#learn(stored);
  }

  removed(definition: ResourceDefinition, stored: StoredObject): void {
    if (definition.custom) {
      const known = this.#byKey.get(definition.storageKey);
      if (known?.terminating === true) this.#startCleanup(known);
    } else if (definition.storageKey === CUSTOM_RESOURCE_DEFINITIONS) {
      const object = JSON.parse(stored.bytes.toString()) as KubernetesObject;
      const key = instanceKeyOf(object);
      this.#env().scheme.remove(this.#byKey.get(key)?.definitions ?? []);
      this.#byKey.delete(key);
      this.#reconsider(definition, stringAt(object, 'spec', 'group'));
    }
  }

  /** Stops clean-ups; the next start goes on with them. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the control plane is stopping'));
    await Promise.allSettled(this.#cleanups.values());
  }

  /** Resolves when no clean-up is running. */
  async idle(): Promise<void> {
    while (this.#cleanups.size > 0) await Promise.allSettled(this.#cleanups.values());
  }

  #learn(stored: StoredObject): void {
    const { scheme, logger } = this.#env();
    const object = JSON.parse(stored.bytes.toString()) as KubernetesObject;
    const storageKey = instanceKeyOf(object);
    const established = stringAt(conditionOf(object, 'Established'), 'status') === 'True';
    const before = this.#byKey.get(storageKey);
    const isSame = before !== undefined && sameJSON(before.object['spec'], object['spec']);
    const since = isSame ? before.since : stored.revision;
    const namesBefore = objectAt(before?.object, 'status', 'acceptedNames');
    const isAsBefore = isSame && sameJSON(namesBefore, objectAt(object, 'status', 'acceptedNames'));
    let known: Known;
    try {
      known = {
        name: stored.name,
        storageKey,
        definitions: !established
          ? []
          : isAsBefore && before.definitions.length > 0
            ? before.definitions
            : definitionsOf(object, since),
        object,
        since,
        terminating: object.metadata.deletionTimestamp !== undefined,
      };
    } catch (error) {
      // Only a definition stored by an older release can fail here; the server must start all the same.
      logger.error('Cannot serve a CustomResourceDefinition', { name: stored.name, error });
      return;
    }
    this.#byKey.set(storageKey, known);
    if (known.definitions !== before?.definitions) {
      scheme.replace(before?.definitions ?? [], known.definitions);
    }
    if (known.terminating) this.#startCleanup(known);
  }

  #startCleanup(known: Known): void {
    if (this.#closing.signal.aborted || this.#cleanups.has(known.storageKey)) return;
    const cleanup = this.#cleanUp(known)
      .catch((error: unknown) => {
        if (this.#closing.signal.aborted) return;
        this.#env().logger.warn('Cannot finish deleting a CustomResourceDefinition', {
          name: known.name,
          error,
        });
      })
      .finally(() => this.#cleanups.delete(known.storageKey));
    this.#cleanups.set(known.storageKey, cleanup);
  }

  /** Names are free again: definitions of the group that were refused for them may have them now. */
  #reconsider(definition: ResourceDefinition, group: string): void {
    const { store, logger } = this.#env();
    for (const stored of store.list(CUSTOM_RESOURCE_DEFINITIONS, {}).items) {
      const object = JSON.parse(stored.bytes.toString()) as KubernetesObject;
      if (stringAt(object, 'spec', 'group') !== group) continue;
      if (stringAt(conditionOf(object, 'NamesAccepted'), 'status') === 'True') continue;
      const key = `names/${stored.name}`;
      const renewal = this.inTurn(definition, () => this.#renewStatus(definition, stored.name))
        .catch((error: unknown) => {
          if (this.#closing.signal.aborted) return;
          logger.warn('Cannot look again at the names of a CustomResourceDefinition', {
            name: stored.name,
            error,
          });
        })
        .finally(() => this.#cleanups.delete(key));
      this.#cleanups.set(key, renewal);
    }
  }

  async #renewStatus(definition: ResourceDefinition, name: string): Promise<void> {
    const env = this.#env();
    if (env.store.get(CUSTOM_RESOURCE_DEFINITIONS, '', name) === undefined) return;
    const change: Change = {
      conditional: false,
      refusal: badRequest,
      // The status follows from what is known when the write is prepared.
      apply: (old) => ({ object: copyJson(old) as KubernetesObject, problems: [] }),
    };
    const context = internalContext('custom-resource-names', this.#closing.signal);
    await changeObject(env, { definition, namespace: '', name }, '', change, context);
  }

  async #cleanUp({ name, storageKey, object, since }: Known): Promise<void> {
    const env = this.#env();
    const context = internalContext('custom-resource-cleanup', this.#closing.signal);
    // Of all versions, served or not: instances of a kind that nobody serves any more must go too.
    const versions = asStored(object, since);
    for (const [at, version] of versions.entries()) {
      // The last takes what was written in a version that is not even listed any more.
      const later = versions.slice(at + 1);
      const matches = (stored: StoredObject): boolean =>
        !later.some((other) => isOfVersion(other, stored)) &&
        (later.length === 0 || isOfVersion(version, stored));
      await deleteCollection(env, version, undefined, { matches }, {}, context);
    }
    // Finalizers hold the rest: removed() comes back here when the last instance goes.
    if (env.store.count(storageKey) > 0) return;
    const definition = env.scheme.byResource(
      'apiextensions.k8s.io',
      'v1',
      'customresourcedefinitions',
    );
    if (definition === undefined) return;
    await changeObject(
      env,
      { definition, namespace: '', name },
      '',
      {
        conditional: false,
        refusal: badRequest,
        apply: (old) => ({ object: withoutCleanup(old), problems: [] }),
      },
      context,
    );
  }
}

function withoutCleanup(old: KubernetesObject): KubernetesObject {
  const finalizers = (old.metadata.finalizers ?? []).filter((item) => item !== CLEANUP_FINALIZER);
  return { ...old, metadata: { ...old.metadata, finalizers } };
}

function instanceKeyOf(object: KubernetesObject): string {
  return storageKeyOf(
    stringAt(object, 'spec', 'group'),
    stringAt(object, 'spec', 'names', 'plural'),
  );
}

/** Each version as if it were the one in which objects are stored: whoever converted them may be gone, and they need no other. */
function asStored(crd: KubernetesObject, since: number): ResourceDefinition[] {
  const all = listAt(crd, 'spec', 'versions').map((version) => objectAt(version));
  return all.flatMap((stored) => {
    const versions = all.map((version) => ({
      ...version,
      served: version === stored,
      storage: version === stored,
    }));
    const spec = { ...objectAt(crd, 'spec'), versions, conversion: { strategy: 'None' } };
    return definitionsOf({ ...crd, spec }, since);
  });
}
