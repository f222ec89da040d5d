// Empties namespaces that are being deleted, then lets them go: whatever kinds the server has, Pods first, until nothing is left.
// What holds it up is told in the namespace's conditions.
import { parseKey } from '../machinery/cache.ts';
import type { CacheView } from '../machinery/cache.ts';
import type { ApiObject } from '../machinery/client-types.ts';
import { setConditions } from '../machinery/conditions.ts';
import type { Condition } from '../machinery/conditions.ts';
import { Controller, DONE } from '../machinery/controller.ts';
import type { ReconcileResult } from '../machinery/controller.ts';
import { discover } from '../machinery/discovery.ts';
import type { DiscoveredResource } from '../machinery/discovery.ts';
import type { Manager } from '../machinery/manager.ts';
import { isConflict, isNotFound } from '../machinery/request-error.ts';
import { NAMESPACES } from '../machinery/resources.ts';
import { timestamp } from '../machinery/timestamps.ts';
import { contentConditions } from './conditions.ts';
import type { Remainder } from './conditions.ts';

interface Namespace extends ApiObject {
  readonly spec?: { readonly finalizers?: readonly string[] };
  readonly status?: { readonly phase?: string; readonly conditions?: readonly Condition[] };
}

const FINALIZER = 'kubernetes';
/** Pods take seconds to end, finalizers of others as long as they like. */
const RETRY_MS = 1_000;
const PATIENT_RETRY_MS = 5_000;

export function addNamespaceController(manager: Manager): void {
  manager.add(new NamespaceController(manager).loop);
}

class NamespaceController {
  readonly loop: Controller;
  readonly #manager: Manager;
  readonly #namespaces: CacheView<Namespace>;

  constructor(manager: Manager) {
    this.#manager = manager;
    const namespaces = manager.informer<Namespace>(NAMESPACES);
    this.#namespaces = namespaces.cache;
    const { clock, metrics, logger, random } = manager;
    this.loop = new Controller({
      name: 'namespace',
      reconcile: (key, signal) => this.#reconcile(key, signal),
      waitFor: [namespaces],
      concurrency: 2,
      clock,
      metrics,
      logger,
      random,
    });
    namespaces.onChange(({ type, object }) => {
      const leaving = object.metadata.deletionTimestamp !== undefined;
      if (type !== 'Deleted' && leaving) this.loop.queue.add(object.metadata.name);
    });
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const namespace = this.#namespaces.get('', parseKey(key).name);
    if (namespace?.metadata.deletionTimestamp === undefined) return DONE;
    if (!(namespace.spec?.finalizers ?? []).includes(FINALIZER)) return DONE;
    const remainder = await this.#deleteContent(namespace.metadata.name, signal);
    const clean =
      remainder.objects.size === 0 &&
      remainder.discoveryFailures.length === 0 &&
      remainder.deletionFailures.length === 0;
    if (clean) {
      await this.#finalize(namespace, signal);
      return DONE;
    }
    await this.#report(namespace, remainder, signal);
    const patient = remainder.finalizers.size > 0 || remainder.discoveryFailures.length > 0;
    return { outcome: 'requeueAfter', delayMs: patient ? PATIENT_RETRY_MS : RETRY_MS };
  }

  async #deleteContent(namespace: string, signal: AbortSignal): Promise<Remainder> {
    const { resources, failures } = await discover(this.#manager.client, signal);
    const remainder = {
      objects: new Map<string, number>(),
      finalizers: new Map<string, number>(),
      deletionFailures: new Array<string>(),
      discoveryFailures: failures,
    };
    const deletable = resources
      .filter(
        ({ namespaced, verbs }) => namespaced && verbs.includes('list') && verbs.includes('delete'),
      )
      .toSorted((a, b) => Number(b.resource === 'pods') - Number(a.resource === 'pods'));
    for (const resource of deletable) {
      const name =
        resource.group === '' ? resource.resource : `${resource.resource}.${resource.group}`;
      try {
        for (const object of await this.#deleteAll(resource, namespace, signal)) {
          remainder.objects.set(name, (remainder.objects.get(name) ?? 0) + 1);
          for (const finalizer of object.metadata.finalizers ?? []) {
            remainder.finalizers.set(finalizer, (remainder.finalizers.get(finalizer) ?? 0) + 1);
          }
        }
      } catch (error) {
        if (signal.aborted) throw error;
        // A kind whose definition went away meanwhile has no objects left.
        if (isNotFound(error)) continue;
        remainder.deletionFailures.push(
          `${name}: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    }
    return remainder;
  }

  /** @returns what is still there afterwards: waiting for its grace period or finalizers */
  async #deleteAll(
    resource: DiscoveredResource,
    namespace: string,
    signal: AbortSignal,
  ): Promise<readonly ApiObject[]> {
    const { client } = this.#manager;
    const { items } = await client.list(resource, { namespace }, signal);
    if (items.length === 0) return [];
    for (const { metadata } of items) {
      if (metadata.deletionTimestamp !== undefined) continue;
      const request = { uid: metadata.uid, propagationPolicy: 'Background' } as const;
      try {
        await client.delete(resource, namespace, metadata.name, request, signal);
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    }
    return (await client.list(resource, { namespace }, signal)).items;
  }

  async #report(namespace: Namespace, remainder: Remainder, signal: AbortSignal): Promise<void> {
    const now = timestamp(this.#manager.clock.now());
    const before = namespace.status?.conditions ?? [];
    const conditions = setConditions(before, contentConditions(remainder), now);
    if (JSON.stringify(conditions) === JSON.stringify(before)) return;
    const { name } = namespace.metadata;
    const patch = { status: { conditions } };
    await this.#manager.client.patch(NAMESPACES, '', name, 'status', 'merge', patch, signal);
  }

  async #finalize(namespace: Namespace, signal: AbortSignal): Promise<void> {
    const finalizers = (namespace.spec?.finalizers ?? []).filter((name) => name !== FINALIZER);
    const finalized = { ...namespace, spec: { ...namespace.spec, finalizers } };
    try {
      await this.#manager.client.update(NAMESPACES, finalized, 'finalize', signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    this.#manager.logger.info('Namespace is gone', { namespace: namespace.metadata.name });
  }
}
