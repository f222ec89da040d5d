// ResourceQuotas as writes meet them: what a namespace holds and what is on its way is known at once, so that of two creations at
// the same time the second sees the first. A server without quotas does nothing here, a namespace without one costs one look.
import { forbidden } from '#controlplane/api/errors.ts';
import { isObject } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import type { Scheme } from '#controlplane/api/scheme.ts';
import type { Store, StoredObject, Subscription } from '#controlplane/store/types.ts';
import type { Clock } from '#platform/clock.ts';
import type { Amounts } from '#platform/quota/amounts.ts';
import { missingAmounts, podLapsesAt } from '#platform/quota/pod-usage.ts';
import type { QuotaPod, QuotaSpec } from '#platform/quota/quota-objects.ts';
import { scopeFactsOf } from '#platform/quota/scopes.ts';
import { countsContent, quotaKindOf, usageOf } from '#platform/quota/usage.ts';
import { NamespaceQuotas } from './namespace-quotas.ts';
import type { Counted } from './namespace-quotas.ts';
import { storedJSON } from './objects.ts';

const QUOTAS = 'core/resourcequotas';
const PODS = 'pods';
/** Kinds of which a change may take more than there was. */
const GROWING: ReadonlySet<string> = new Set([
  'core/pods',
  'core/services',
  'core/persistentvolumeclaims',
]);

const nothing = (): void => undefined;

export class QuotaLedger {
  readonly #store: Store;
  readonly #scheme: Scheme;
  readonly #clock: Clock;
  /** Only those with a quota. */
  readonly #namespaces = new Map<string, NamespaceQuotas>();
  /** Kinds that quotas are about, by storage key. */
  readonly #followed = new Map<string, { readonly kind: string; subscription: Subscription }>();
  #quotas: Subscription | undefined;
  #stopScheme = nothing;

  constructor(store: Store, scheme: Scheme, clock: Clock) {
    this.#store = store;
    this.#scheme = scheme;
    this.#clock = clock;
  }

  start(): void {
    const { items, revision } = this.#store.list(QUOTAS, {});
    for (const stored of items) this.#learn(stored);
    this.#quotas = this.#store.watch(QUOTAS, revision, {
      events: (events) => {
        for (const { type, object, previous } of events) {
          if (type === 'DELETED') this.#set(object.namespace, object.name, undefined);
          else this.#learn(object, previous);
        }
      },
      closed: nothing,
    });
    // A quota may be about a kind that comes later.
    this.#stopScheme = this.#scheme.onChange(() => this.#follow());
  }

  close(): void {
    this.#quotas?.close();
    this.#stopScheme();
    for (const { subscription } of this.#followed.values()) subscription.close();
    this.#followed.clear();
  }

  /**
   * Counts a write that begins now; nobody may come between this and the write. Call what is returned when it has ended, either way.
   *
   * @param isNew a creation: of changes only what grows is looked at
   * @throws ApiError Forbidden in upstream's words
   */
  writing(definition: ResourceDefinition, object: KubernetesObject, isNew: boolean): () => void {
    if (this.#namespaces.size === 0) return nothing;
    const quotas = this.#namespaces.get(object.metadata.namespace ?? '');
    if (quotas === undefined) return nothing;
    const { storageKey } = definition;
    if (!isNew && !GROWING.has(storageKey)) return nothing;
    const kind = this.#followed.get(storageKey)?.kind;
    if (kind === undefined) return nothing;
    const { name = '' } = object.metadata;
    const now = this.#clock.now();
    const counted = countedOf(kind, object, now);
    const key = keyOf(storageKey, name);
    const missing =
      isNew && kind === PODS
        ? (names: readonly string[]) => missingAmounts(object, names)
        : undefined;
    const refusal = quotas.refusal(key, kind, counted, now, missing);
    if (refusal !== undefined) throw forbidden(definition, name, refusal);
    return quotas.begin(key, counted);
  }

  #learn(stored: StoredObject, previous?: StoredObject): void {
    const spec = specOf(stored);
    // Its status changes with all that is counted.
    if (previous !== undefined && JSON.stringify(specOf(previous)) === JSON.stringify(spec)) return;
    this.#set(stored.namespace, stored.name, spec);
  }

  #set(namespace: string, name: string, spec: QuotaSpec | undefined): void {
    let quotas = this.#namespaces.get(namespace);
    if (quotas === undefined) {
      if (spec === undefined) return;
      quotas = new NamespaceQuotas();
      this.#namespaces.set(namespace, quotas);
    }
    quotas.setQuota(name, spec);
    if (quotas.isEmpty) this.#namespaces.delete(namespace);
    this.#follow(quotas.isEmpty ? undefined : namespace);
  }

  /** Watches exactly the kinds that quotas are about. @param namespace has a quota that may be about kinds it was not before */
  #follow(namespace?: string): void {
    const kinds = new Set([...this.#namespaces.values()].flatMap((one) => [...one.kinds()]));
    const wanted = new Map<string, string>();
    if (kinds.size > 0)
      for (const { group, resource, storageKey, namespaced } of this.#scheme.definitions()) {
        const kind = quotaKindOf(group, resource);
        if (namespaced && kinds.has(kind)) wanted.set(storageKey, kind);
      }
    for (const [storageKey, { subscription, kind }] of this.#followed) {
      if (wanted.get(storageKey) === kind) continue;
      subscription.close();
      this.#followed.delete(storageKey);
    }
    for (const [storageKey, kind] of wanted) {
      if (!this.#followed.has(storageKey)) this.#begin(storageKey, kind);
      else if (namespace !== undefined) this.#count(storageKey, kind, namespace);
    }
  }

  #begin(storageKey: string, kind: string): void {
    const { revision } = this.#store;
    for (const namespace of this.#namespaces.keys()) this.#count(storageKey, kind, namespace);
    const subscription = this.#store.watch(storageKey, revision, {
      events: (events) => {
        for (const { type, object } of events) {
          const counted = type === 'DELETED' ? undefined : this.#read(kind, object);
          const quotas = this.#namespaces.get(object.namespace);
          quotas?.setStored(keyOf(storageKey, object.name), counted);
        }
      },
      closed: nothing,
    });
    this.#followed.set(storageKey, { kind, subscription });
  }

  /** Brings in what is there. */
  #count(storageKey: string, kind: string, namespace: string): void {
    const quotas = this.#namespaces.get(namespace);
    if (quotas?.kinds().has(kind) !== true) return;
    for (const stored of this.#store.list(storageKey, { namespace }).items)
      quotas.setStored(keyOf(storageKey, stored.name), this.#read(kind, stored));
  }

  #read(kind: string, stored: StoredObject): Counted {
    const object = countsContent(kind) ? storedJSON(stored) : stored;
    return countedOf(kind, object, this.#clock.now());
  }
}

const keyOf = (storageKey: string, name: string): string => `${storageKey}/${name}`;

function countedOf(kind: string, object: unknown, now: number): Counted {
  const usage = usageOf(kind, object, now);
  const counted: Counted = { usage, facts: scopeFactsOf(kind, object) };
  const lapsesAt = kind === PODS ? podLapsesAt(object as QuotaPod) : undefined;
  if (lapsesAt === undefined) return counted;
  const lapsed: Amounts = usageOf(kind, object, Infinity);
  return { ...counted, lapsesAt, lapsed };
}

function specOf(stored: StoredObject): QuotaSpec {
  const object = storedJSON(stored);
  const spec = isObject(object) ? object['spec'] : undefined;
  return isObject(spec) ? spec : {};
}
