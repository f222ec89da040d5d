// What the verbs of the API mean, for every kind: the one implementation of Registry. Each verb has a file of its own;
// here they meet their environment.
import { methodNotAllowed, unknownPath } from '#controlplane/api/errors.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import type { StoredObject } from '#controlplane/store/types.ts';
import { admitUnstored } from './admit-unstored.ts';
import { bindPod } from './binding.ts';
import { bootstrap, ensureAll } from './bootstrap.ts';
import { CustomResources } from './crds.ts';
import { Conversions } from './conversion.ts';
import { createObject } from './create.ts';
import { deleteCollection } from './delete-collection.ts';
import { deleteObject } from './deletion.ts';
import type { Environment, RegistryOptions } from './environment.ts';
import { EventExpiry } from './events.ts';
import { evictPod } from './eviction.ts';
import { needsConversion } from './objects.ts';
import { ownObjects } from './own-objects.ts';
import type { Reachable } from './own-objects.ts';
import { patchObject } from './patch.ts';
import { PodSecurityMetrics } from './pod-security/metrics.ts';
import { PriorityClasses } from './priority-classes.ts';
import { QuotaLedger } from './quota-ledger.ts';
import { ServiceAddresses } from './service-addresses.ts';
import { patchScale, readScale, writeScale } from './scale.ts';
import type { DecodedObject, Registry, Target, WriteContext } from './types.ts';
import { updateObject } from './update.ts';

export interface RunningRegistry extends Registry {
  /** Makes sure of the system namespaces and `objects`; call once, before serving. */
  bootstrap(
    objects: readonly unknown[],
    signal: AbortSignal,
    proven?: readonly unknown[],
  ): Promise<void>;
  /** Writes, or brings up to date, by which programs find this server. Call when it listens. */
  announce(reachable: Reachable, signal: AbortSignal): Promise<void>;
  /** Resolves when no clean-up after a deleted CustomResourceDefinition is running. */
  idle(): Promise<void>;
  /** Stops what runs in the background; the store stays open. */
  close(): Promise<void>;
}

/** Takes over what the store holds: custom kinds are in the scheme when this returns. */
export function createRegistry(options: RegistryOptions): RunningRegistry {
  const { scheme, store } = options;
  const customResources = new CustomResources(() => env);
  const serviceAddresses = new ServiceAddresses(store);
  const priorityClasses = new PriorityClasses(store);
  const quotas = new QuotaLedger(store, scheme, options.clock);
  const conversions = options.conversions ?? new Conversions(undefined);
  const env: Environment = {
    ...options,
    customResources,
    serviceAddresses,
    quotas,
    podSecurity: options.metrics && new PodSecurityMetrics(options.metrics),
    priorityClasses,
    conversions,
    terminating: new Set(),
  };
  const index = (definitions: readonly ResourceDefinition[]): void => {
    const versions = Map.groupBy(definitions, ({ storageKey }) => storageKey);
    for (const [storageKey, all] of versions) {
      // Selectors read what is stored, whichever version of a kind they are written for.
      const fields = all.map(({ selectableFields }) => selectableFields);
      store.register(storageKey, Object.assign({}, ...fields) as (typeof fields)[number]);
    }
  };
  index(scheme.definitions());
  const stopIndexing = scheme.onChange(({ added }) => index(added));
  customResources.load();
  serviceAddresses.start();
  quotas.start();
  priorityClasses.start();
  const expiry = new EventExpiry(env);
  expiry.start();

  /** What was written is stored in another version than the one that was asked for. */
  const shown = async <T extends { readonly stored: StoredObject }>(
    { definition }: Pick<Target, 'definition'>,
    writing: Promise<T>,
    { signal }: WriteContext,
  ): Promise<T> => {
    const written = await writing;
    if (needsConversion(definition, written.stored)) {
      await conversions.show(definition, [written.stored], signal);
    }
    return written;
  };

  return {
    show: (definition, items, signal) => conversions.show(definition, items, signal),
    async create(definition, namespace, body, context) {
      const creation = customResources.inTurn(definition, () =>
        createObject(env, definition, namespace, body, context),
      );
      const stored = await creation;
      if (needsConversion(definition, stored)) {
        await conversions.show(definition, [stored], context.signal);
      }
      return stored;
    },
    update: (target, subresource, body, context) =>
      shown(
        target,
        customResources.inTurn(target.definition, () =>
          updateObject(env, target, subresource, body, context),
        ),
        context,
      ),
    patch: (target, subresource, patch, context) =>
      shown(
        target,
        customResources.inTurn(target.definition, () =>
          patchObject(env, target, subresource, patch, context),
        ),
        context,
      ),
    delete: (target, deleteOptions, context) =>
      shown(target, deleteObject(env, target, deleteOptions, context), context),
    async deleteCollection(definition, namespace, selector, deleteOptions, context) {
      const deleted = await deleteCollection(
        env,
        definition,
        namespace,
        selector,
        deleteOptions,
        context,
      );
      const stored = deleted.results.map((result) => result.stored);
      await conversions.show(definition, stored, context.signal);
      return deleted;
    },
    getScale: (target) => readScale(env, target),
    updateScale: (target, body, context) => writeScale(env, target, body, context),
    patchScale: (target, patch, context) => patchScale(env, target, patch, context),
    connect: (target, subresource, body, context) =>
      connect(env, target, subresource, body, context),
    admit: (operation, target, subresource, object, context) =>
      admitUnstored(env, operation, target, subresource, object, context),
    bootstrap: (objects, signal, proven) => bootstrap(env, objects, signal, proven),
    announce: (reachable, signal) => ensureAll(env, ownObjects(reachable), signal),
    idle: () => customResources.idle(),
    async close() {
      stopIndexing();
      serviceAddresses.close();
      quotas.close();
      priorityClasses.close();
      conversions.close();
      await Promise.all([expiry.close(), customResources.close()]);
    },
  };
}

const CREATED = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };

async function connect(
  env: Environment,
  target: Target,
  subresource: string,
  body: DecodedObject,
  context: WriteContext,
): Promise<unknown> {
  const ask = async (): Promise<DecodedObject> => ({
    ...body,
    object: await admitUnstored(env, 'CREATE', target, subresource, body.object, context),
  });
  switch (`${target.definition.storageKey}/${subresource}`) {
    case 'core/pods/binding':
      await bindPod(env, target, await ask(), context);
      return CREATED;
    case 'core/pods/eviction':
      await evictPod(env, target, await ask(), context);
      return CREATED;
    default:
      if (target.definition.subresources.some(({ name }) => name === subresource)) {
        throw methodNotAllowed(target.definition);
      }
      throw unknownPath();
  }
}
