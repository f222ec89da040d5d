// Where a log stands has a checksum of its own, as each row has: a byte that changes in an epoch or a revision must not be believed.
import { crc32 } from 'node:zlib';
import type Database from 'better-sqlite3';

/** What `meta` says of the log, under these names. */
interface PlaceRows {
  readonly epoch: number;
  readonly revision: number;
  readonly compacted: number;
  readonly machine: string;
}

export function placeSum({ epoch, revision, compacted, machine }: PlaceRows): number {
  return crc32(`${epoch}\0${revision}\0${compacted}\0${machine}`);
}

/** Format 1 had none. */
export function addPlaceSum(database: Database.Database): void {
  const read = database.prepare<[string]>('SELECT value FROM meta WHERE name = ?').pluck();
  const number = (name: string): number => Number(read.get(name));
  const place = {
    epoch: number('epoch'),
    revision: number('revision'),
    compacted: number('compacted'),
    machine: textOf(read.get('machine')),
  };
  database.prepare("INSERT INTO meta VALUES ('sum', ?)").run(placeSum(place));
}

/** What is none cannot be what was summed up. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
