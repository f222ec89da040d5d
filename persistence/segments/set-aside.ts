// Copies a whole log, as it is, into a folder that is a log of its own: it can be looked at, and opened, from there.
import type { BlobStore } from './blob-store.ts';
import { EPOCHS, FORMAT, LATEST, SNAPSHOTS, WAL, numberIn, orphanFolder } from './blob-names.ts';
import { newestEpoch } from './load-log.ts';
import { GENESIS, compareWeight } from './log-tail.ts';
import type { TailPosition } from './log-tail.ts';
import { parseSegment } from './segment.ts';

export interface Aside {
  /** Relative to the store's location. */
  readonly folder: string;
  /** Behind everything that lies there, and heavier than all of it. */
  readonly end: TailPosition;
}

/** @throws what the store throws; the log is as it was then */
export async function copyAside(store: BlobStore): Promise<Aside> {
  let end: TailPosition = { ...GENESIS, epoch: await newestEpoch(store) };
  const names: string[] = [];
  for (const folder of [WAL, SNAPSHOTS, EPOCHS]) {
    for await (const { name } of store.list(folder)) names.push(name);
  }
  const lastNumber = Math.max(
    0,
    ...names.filter((name) => name.startsWith(`${WAL}/`)).map((name) => numberIn(name) ?? 0),
  );
  const folder = orphanFolder(end.epoch, lastNumber);
  // The format last: without it the copy is none yet.
  for (const name of [...names, LATEST, FORMAT]) {
    const found = await store.get(name);
    if (found === undefined) continue;
    await store.put(`${folder}/${name}`, found.body);
    const number = name.startsWith(`${WAL}/`) ? numberIn(name) : undefined;
    if (number === undefined) continue;
    const parsed = parseSegment(found.body, number);
    if (parsed.state !== 'whole') continue;
    const { epoch, term } = parsed.segment.header;
    if (compareWeight({ epoch, term }, end) > 0) end = { ...end, epoch, term };
  }
  return { folder, end: { ...end, segment: lastNumber } };
}
