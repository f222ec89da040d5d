// Makes the slices of one owner what a plan says. Names follow from the owner and a number, so that whoever comes after a crash, or
// decides on a cache that is behind, makes no second slice beside one that is there.
import { isDeepStrictEqual } from 'node:util';
import type { CacheView } from '../machinery/cache.ts';
import type { ApiObject, ApiResource, Client } from '../machinery/client-types.ts';
import { controllerReference } from '../machinery/owner-references.ts';
import { isConflict, isNotFound } from '../machinery/request-error.ts';
import { ENDPOINT_SLICES } from '../machinery/resources.ts';
import { safeHash } from '../machinery/safe-hash.ts';
import { planSlices } from './plan-slices.ts';
import type { SliceContent } from './plan-slices.ts';
import { MANAGED_BY_LABEL, SERVICE_NAME_LABEL } from './types.ts';
import type { EndpointSlice } from './types.ts';

/** Index of slices by whom they are for and who keeps them: `namespace/service/manager`. */
export const SLICES_OF = 'slicesOf';

export function sliceKeys({ metadata: { namespace = '', labels = {} } }: ApiObject): string[] {
  const name = labels[SERVICE_NAME_LABEL];
  const manager = labels[MANAGED_BY_LABEL];
  return name === undefined || manager === undefined ? [] : [`${namespace}/${name}/${manager}`];
}

/** `namespace/name` of whom a slice is for; undefined for one that another manager keeps. */
export function ownerKeyOf({ metadata }: ApiObject, manager: string): string | undefined {
  const { namespace = '', labels = {} } = metadata;
  const name = labels[SERVICE_NAME_LABEL];
  return labels[MANAGED_BY_LABEL] === manager && name !== undefined
    ? `${namespace}/${name}`
    : undefined;
}

export interface SliceOwner {
  readonly resource: ApiResource;
  readonly object: ApiObject;
  /** Value of the label managed-by. */
  readonly manager: string;
  /** Beside those that every slice has. */
  readonly labels: Readonly<Record<string, string>>;
  /** Absent: those of slices are left alone. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly maxEndpoints: number;
  readonly keepsEmpty: boolean;
}

/** A longer name of an owner is cut, to leave room for the hash. */
const LONGEST_PREFIX = 240;
const HASH_LENGTH = 5;

export class SliceWriter {
  readonly #client: Client;
  readonly #slices: CacheView<EndpointSlice>;

  /** @param slices with the index SLICES_OF */
  constructor(client: Client, slices: CacheView<EndpointSlice>) {
    this.#client = client;
    this.#slices = slices;
  }

  /**
   * @param contents by address type
   * @throws RequestError Conflict or AlreadyExists when the cache was behind: look again
   */
  async write(
    owner: SliceOwner,
    contents: ReadonlyMap<string, readonly SliceContent[]>,
    signal: AbortSignal,
  ): Promise<void> {
    const { namespace = '', name } = owner.object.metadata;
    const existing = this.#existing(namespace, name, owner.manager);
    const labels = {
      ...owner.labels,
      [SERVICE_NAME_LABEL]: name,
      [MANAGED_BY_LABEL]: owner.manager,
    };
    const metadata = {
      labels,
      ...(owner.annotations === undefined ? {} : { annotations: owner.annotations }),
      ownerReferences: [controllerReference(owner.resource, owner.object)],
    };
    const isCurrent = (slice: EndpointSlice): boolean =>
      isDeepStrictEqual(slice.metadata.labels, labels) &&
      (owner.annotations === undefined ||
        isDeepStrictEqual(slice.metadata.annotations ?? {}, owner.annotations)) &&
      isDeepStrictEqual(slice.metadata.ownerReferences, metadata.ownerReferences);
    const taken = new Set<string>();
    for (const [addressType, wanted] of contents) {
      const slices = existing.filter((slice) => slice.addressType === addressType);
      const plan = planSlices(wanted, slices, { ...owner, isCurrent });
      for (const content of plan.creates) {
        const body = { metadata: { ...metadata, name: this.#freeName(owner, taken) }, addressType };
        await this.#client.create(ENDPOINT_SLICES, namespace, { ...body, ...content }, signal);
      }
      for (const { slice, content } of plan.updates) {
        const next = { ...slice, metadata: { ...slice.metadata, ...metadata }, ...content };
        await this.#client.update(ENDPOINT_SLICES, next, '', signal);
      }
      for (const slice of plan.deletes) await this.#delete(slice, signal);
    }
    // Of families that it has no more.
    for (const slice of existing) {
      if (!contents.has(slice.addressType)) await this.#delete(slice, signal);
    }
  }

  /** Deletes all that this manager keeps for a name. */
  async clear(
    namespace: string,
    name: string,
    manager: string,
    signal: AbortSignal,
  ): Promise<void> {
    for (const slice of this.#existing(namespace, name, manager)) await this.#delete(slice, signal);
  }

  #existing(namespace: string, name: string, manager: string): readonly EndpointSlice[] {
    return this.#slices
      .indexed(SLICES_OF, `${namespace}/${name}/${manager}`)
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  async #delete({ metadata }: EndpointSlice, signal: AbortSignal): Promise<void> {
    const { namespace = '', name, uid } = metadata;
    try {
      await this.#client.delete(ENDPOINT_SLICES, namespace, name, { uid }, signal);
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  #freeName({ object, manager }: SliceOwner, taken: Set<string>): string {
    const { namespace = '', name, uid } = object.metadata;
    const prefix = name.slice(0, LONGEST_PREFIX).replace(/[^a-z0-9]+$/, '');
    for (let number = 0; ; number += 1) {
      const free = `${prefix}-${safeHash(`${uid}/${manager}/${number}`, HASH_LENGTH)}`;
      if (taken.has(free) || this.#slices.get(namespace, free) !== undefined) continue;
      taken.add(free);
      return free;
    }
  }
}
