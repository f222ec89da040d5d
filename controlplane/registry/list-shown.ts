// Lists of kinds whose objects a webhook converts: selectors are about what a version shows, which is known only when it was asked. All
// other kinds are listed as they are stored.
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import type { ListOptions, ListResult, Store, StoredObject } from '#controlplane/store/types.ts';

/** Objects that are looked at together while those that match are searched. */
const PAGE = 250;

/** Who converts: of the registry. Without a signal it goes on until it ends. */
export interface Shows {
  show(
    definition: ResourceDefinition,
    items: readonly StoredObject[],
    signal?: AbortSignal,
  ): Promise<readonly StoredObject[]>;
}

/** @throws ApiError as the store's list(), and 500 when the webhook does not convert */
export function listShown(
  store: Pick<Store, 'list'>,
  shows: Shows,
  definition: ResourceDefinition,
  options: ListOptions,
  signal: AbortSignal,
): ListResult | Promise<ListResult> {
  if (definition.versions?.webhook === undefined) return store.list(definition.storageKey, options);
  return options.matches === undefined
    ? listAll(store, shows, definition, options, signal)
    : listMatching(store, shows, definition, options, options.matches, signal);
}

async function listAll(
  store: Pick<Store, 'list'>,
  shows: Shows,
  definition: ResourceDefinition,
  options: ListOptions,
  signal: AbortSignal,
): Promise<ListResult> {
  const list = store.list(definition.storageKey, options);
  return { ...list, items: await shows.show(definition, list.items, signal) };
}

async function listMatching(
  store: Pick<Store, 'list'>,
  shows: Shows,
  definition: ResourceDefinition,
  { matches: _matches, limit = 0, ...options }: ListOptions,
  matches: (object: StoredObject) => boolean,
  signal: AbortSignal,
): Promise<ListResult> {
  const items: StoredObject[] = [];
  let page = store.list(definition.storageKey, { ...options, limit: PAGE });
  const { revision } = page;
  for (;;) {
    for (const item of await shows.show(definition, page.items, signal)) {
      if (!matches(item)) continue;
      const last = items.at(-1);
      if (limit > 0 && items.length === limit && last !== undefined) {
        return { items, revision, next: { namespace: last.namespace, name: last.name } };
      }
      items.push(item);
    }
    if (page.next === undefined) return { items, revision };
    const rest = { ...options, startAfter: page.next, exactRevision: revision, limit: PAGE };
    page = store.list(definition.storageKey, rest);
  }
}
