// Custom resources whose versions differ in more than their name: a webhook converts them. What is read is converted once for each
// version that somebody asks for, and kept as long as the stored object; what is written is converted to the storage version on its way.
import { ApiError } from '#controlplane/api/errors.ts';
import { ConversionError } from '#controlplane/api/conversion-review.ts';
import type { Conversion } from '#controlplane/api/conversion-review.ts';
import { keepForm, refreshStored } from '#controlplane/api/custom-resource-versions.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { apiVersionOf, parseAPIVersion } from '#controlplane/api/object.ts';
import type {
  ConversionWebhook,
  CustomVersions,
  ResourceDefinition,
} from '#controlplane/api/resource.ts';
import { copyJson } from '#controlplane/api/schema/json-value.ts';
import { pruneUnknown } from '#controlplane/api/schema/prune.ts';
import { fromStored, toStored } from '#controlplane/api/stored-form.ts';
import type { StoredObject } from '#controlplane/store/types.ts';
import { inStoredOrder, needsConversion, storedJSON } from './objects.ts';

/** Objects that one review asks about. */
const MOST_OBJECTS = 250;
const MOST_BYTES = 2 * 1024 * 1024;

export interface ConversionCaller {
  /**
   * Asks a webhook; the objects are of one version.
   *
   * @throws ConversionError; the signal's reason when it aborts
   */
  convert(
    webhook: ConversionWebhook,
    conversion: Omit<Conversion, 'uid'>,
    signal: AbortSignal,
  ): Promise<KubernetesObject[]>;
}

/** How a stored object looks in each version, as far as somebody asked. */
type Views = WeakMap<ResourceDefinition, Promise<StoredObject>>;

export class Conversions {
  readonly #caller: ConversionCaller | undefined;
  readonly #views = new WeakMap<Buffer, Views>();
  /** Ends calls, which are made for whoever wants the object, not for one request. */
  readonly #closing = new AbortController();

  /** @param caller absent: no kind may have a conversion webhook called */
  constructor(caller: ConversionCaller | undefined) {
    this.#caller = caller;
  }

  close(): void {
    this.#closing.abort(new Error('the control plane is stopping'));
  }

  /**
   * The objects as `definition` shows them, in their order; those that need no webhook as they are.
   *
   * @throws ApiError 500 `conversion webhook for …`; the signal's reason
   */
  async show(
    definition: ResourceDefinition,
    items: readonly StoredObject[],
    signal: AbortSignal = this.#closing.signal,
  ): Promise<readonly StoredObject[]> {
    const needing = [...new Set(items.filter((item) => needsConversion(definition, item)))];
    if (needing.length === 0) return items;
    const known = (item: StoredObject): Promise<StoredObject> | undefined =>
      this.#viewsOf(item).get(definition);
    const others = needing.filter((item) => known(item) !== undefined);
    await this.#ask(
      definition,
      needing.filter((item) => known(item) === undefined),
      signal,
    );
    // What somebody else asked about together with objects that are none of this request's business is asked about again.
    const outcomes = await unlessAborted(
      Promise.allSettled(others.map(async (item) => known(item))),
      signal,
    );
    const failed = others.filter((_, at) => outcomes[at]?.status === 'rejected');
    await this.#ask(definition, failed, signal);
    return Promise.all(
      items.map((item) =>
        needsConversion(definition, item) ? (known(item) ?? never()) : Promise.resolve(item),
      ),
    );
  }

  /** `object` in the version in which it is stored. @throws ApiError 500 as show() */
  toStorage(definition: ResourceDefinition, object: KubernetesObject): Promise<KubernetesObject> {
    return this.to(definition, object, definition.versions?.storage ?? never());
  }

  /** `object`, of a kind that a webhook converts, in another version. @throws ApiError 500 as show() */
  async to(
    definition: ResourceDefinition,
    object: KubernetesObject,
    apiVersion: string,
  ): Promise<KubernetesObject> {
    const { versions = never() } = definition;
    const [converted] = await this.#convert(definition, [object], apiVersion);
    return pruned(versions, converted ?? never());
  }

  /** A copy of `object`, which is of the version `from`, in the version `to`. @throws ApiError 500 as show() */
  async between(
    object: KubernetesObject,
    from: ResourceDefinition,
    to: ResourceDefinition,
  ): Promise<KubernetesObject> {
    if (from === to) return object;
    const copy = copyJson(object) as KubernetesObject;
    const { versions } = from;
    if (versions?.webhook === undefined) return fromStored(to, toStored(from, copy));
    return this.to(from, copy, apiVersionOf(to.group, to.version));
  }

  async #ask(
    definition: ResourceDefinition,
    items: readonly StoredObject[],
    signal: AbortSignal,
  ): Promise<void> {
    for (const batch of batchesOf(items)) {
      const shown = this.#showBatch(definition, batch);
      for (const [at, item] of batch.entries()) this.#keep(definition, item, shown, at);
      await unlessAborted(shown, signal);
    }
  }

  #keep(
    definition: ResourceDefinition,
    item: StoredObject,
    shown: Promise<readonly StoredObject[]>,
    at: number,
  ): void {
    const views = this.#viewsOf(item);
    const view = shown.then((all) => all[at] ?? never());
    views.set(definition, view);
    // The next who asks shall try again.
    view.catch(() => views.delete(definition));
  }

  async #showBatch(
    definition: ResourceDefinition,
    batch: readonly StoredObject[],
  ): Promise<readonly StoredObject[]> {
    const { versions = never() } = definition;
    const decoded = batch.map((item) => {
      const object = storedJSON(item) as KubernetesObject;
      refreshStored(versions, object);
      return object;
    });
    const apiVersion = apiVersionOf(definition.group, definition.version);
    const shown: StoredObject[] = [];
    // A review is about objects of one version; they may be stored in several.
    for (const same of Map.groupBy(decoded.keys(), (at) => decoded[at]?.apiVersion).values()) {
      const objects = same.map((at) => decoded[at] ?? never());
      const converted = await this.#convert(definition, objects, apiVersion);
      for (const [index, at] of same.entries()) {
        const object = pruned(versions, converted[index] ?? never());
        shown[at] = viewOf(definition, batch[at] ?? never(), object);
      }
    }
    return shown;
  }

  async #convert(
    definition: ResourceDefinition,
    objects: readonly KubernetesObject[],
    desiredAPIVersion: string,
  ): Promise<KubernetesObject[]> {
    const webhook = definition.versions?.webhook ?? never();
    const { signal } = this.#closing;
    try {
      if (this.#caller === undefined) throw new Error('nobody here calls conversion webhooks');
      return await this.#caller.convert(webhook, { objects, desiredAPIVersion }, signal);
    } catch (error) {
      if (error instanceof ConversionError) throw new ApiError(500, '', error.message);
      throw error;
    }
  }

  #viewsOf({ bytes }: Pick<StoredObject, 'bytes'>): Views {
    const known = this.#views.get(bytes) ?? (new WeakMap() as Views);
    this.#views.set(bytes, known);
    return known;
  }
}

function pruned(versions: CustomVersions, object: KubernetesObject): KubernetesObject {
  const schema = versions.schemaOf(parseAPIVersion(object.apiVersion).version);
  if (schema !== undefined) pruneUnknown(schema, object);
  return object;
}

/** A stored object in a form in which it is not stored. */
function viewOf(
  definition: ResourceDefinition,
  stored: StoredObject,
  object: KubernetesObject,
): StoredObject {
  const fields: Record<string, string> = {};
  for (const [field, read] of Object.entries(definition.selectableFields)) {
    fields[field] = read(object);
  }
  const { namespace, name, uid, revision } = stored;
  const bytes = Buffer.from(JSON.stringify(inStoredOrder(definition, object)));
  keepForm(definition, stored.bytes, bytes);
  return { namespace, name, uid, revision, bytes, labels: object.metadata.labels ?? {}, fields };
}

function* batchesOf(items: readonly StoredObject[]): Generator<readonly StoredObject[]> {
  let batch: StoredObject[] = [];
  let size = 0;
  for (const item of items) {
    const isFull = batch.length === MOST_OBJECTS || size + item.bytes.length > MOST_BYTES;
    if (batch.length > 0 && isFull) {
      yield batch;
      batch = [];
      size = 0;
    }
    batch.push(item);
    size += item.bytes.length;
  }
  if (batch.length > 0) yield batch;
}

/** What others wait for too goes on when one of them leaves. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const left = Promise.withResolvers<never>();
  const leave = (): void => left.reject(signal.reason as Error);
  signal.addEventListener('abort', leave, { once: true });
  try {
    return await Promise.race([work, left.promise]);
  } finally {
    signal.removeEventListener('abort', leave);
    left.promise.catch(() => undefined);
  }
}

function never(): never {
  throw new TypeError('a conversion without its parts');
}
