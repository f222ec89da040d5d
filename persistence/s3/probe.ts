// Finds out by doing whether a store keeps what safety rests on: conditions on writes that hold also between two at once, and
// reads and lists that see what was written before. A vendor's name says nothing: some servers take the conditions and ignore them.
import { ForeignDataError } from '../errors.ts';
import type { BlobStore } from '../segments/blob-store.ts';

export interface ProbeOptions {
  readonly store: Omit<BlobStore, 'probe'>;
  readonly machine: string;
  /** Never used before. */
  readonly id: string;
  /** Told which form of tags If-Match understands. */
  readonly useQuotedTags: (isQuoted: boolean) => void;
}

const RACERS = 8;

const bytes = (text: string): Uint8Array => Buffer.from(text);

/**
 * Writes, reads and deletes some small objects below `probe/<machine>/`.
 *
 * @throws ForeignDataError saying which promise the store does not keep
 */
export async function probeStore(options: ProbeOptions): Promise<void> {
  const { store, machine, id } = options;
  const folder = `probe/${machine}`;
  const name = (what: string): string => `${folder}/${id}-${what}`;
  await probeCreate(store, name('create'));
  await Promise.all([
    probeRace(store, name('race')),
    probeReplace(options, name('replace')),
    probeList(store, folder, name('create')),
  ]);
  await Promise.all(
    ['create', 'race', 'replace', 'replace-missing'].map((what) => store.delete(name(what))),
  );
}

async function probeCreate(store: ProbeOptions['store'], name: string): Promise<void> {
  // Where the answer to a first attempt is lost, a second one finds what the first has written.
  if (
    (await store.putIfAbsent(name, bytes('first'))) !== 'created' &&
    (await read(store, name)) !== 'first'
  ) {
    throw distrust(store, 'it says of an object that never was that it exists');
  }
  if ((await store.putIfAbsent(name, bytes('second'))) !== 'exists') {
    throw distrust(store, 'it ignores If-None-Match: a second create of one object succeeded');
  }
  if ((await read(store, name)) !== 'first') {
    throw distrust(store, 'a read does not show what was just written');
  }
}

async function probeRace(store: ProbeOptions['store'], name: string): Promise<void> {
  const outcomes = await Promise.all(
    Array.from({ length: RACERS }, async (_, racer) => ({
      racer: `${racer}`,
      outcome: await store.putIfAbsent(name, bytes(`${racer}`)),
    })),
  );
  const created = outcomes.filter(({ outcome }) => outcome === 'created');
  const winner = await read(store, name);
  // With a lost answer even the winner reads that it exists.
  if (created.length > 1 || created.some(({ racer }) => racer !== winner)) {
    throw distrust(
      store,
      `of ${RACERS} that created one object at once, ${created.length} were told that they had`,
    );
  }
}

/** If-Match with the right tag, a stale one, and on an object that is not there. */
async function probeReplace({ store, useQuotedTags }: ProbeOptions, name: string): Promise<void> {
  await store.put(name, bytes('old'));
  const tag = (await store.get(name))?.tag;
  if (tag === undefined || tag === '') throw distrust(store, 'it gives objects no ETag');
  useQuotedTags(true);
  if ((await store.put(name, bytes('new'), tag)) !== 'written') {
    useQuotedTags(false);
    if ((await store.put(name, bytes('new'), tag)) !== 'written') {
      throw distrust(store, 'If-Match with the right ETag is refused');
    }
  }
  if ((await store.put(name, bytes('newer'), tag)) !== 'mismatch') {
    throw distrust(store, 'it ignores If-Match: a write with an old ETag succeeded');
  }
  if ((await store.put(`${name}-missing`, bytes('x'), tag)) !== 'mismatch') {
    throw distrust(store, 'it ignores If-Match for objects that do not exist');
  }
  if ((await read(store, name)) !== 'new') {
    throw distrust(store, 'a read does not show what was just written');
  }
}

async function probeList(
  store: ProbeOptions['store'],
  folder: string,
  name: string,
): Promise<void> {
  if (!(await isListed(store, folder, name))) {
    throw distrust(store, 'a list does not show what was just written');
  }
  await store.delete(name);
  if ((await store.get(name)) !== undefined || (await isListed(store, folder, name))) {
    throw distrust(store, 'it still shows what was just deleted');
  }
}

async function isListed(
  store: ProbeOptions['store'],
  folder: string,
  wanted: string,
): Promise<boolean> {
  for await (const { name } of store.list(folder)) if (name === wanted) return true;
  return false;
}

async function read(store: ProbeOptions['store'], name: string): Promise<string | undefined> {
  const found = await store.get(name);
  return found === undefined ? undefined : Buffer.from(found.body).toString();
}

function distrust(store: ProbeOptions['store'], why: string): ForeignDataError {
  return new ForeignDataError(
    `Cannot use ${store.location}: ${why}, so two control planes could overwrite each other; use a store with conditional writes (docs/persistence.md names some), or a newer version of this one`,
  );
}
