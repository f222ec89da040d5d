// Where things lie in a blob store: the layout of docs/persistence-format.md.

export const FORMAT = 'format.json';
/** The newest snapshot, as a hint for people. */
export const LATEST = 'latest.json';
export const HOLDER = 'holder.json';
export const WAL = 'wal';
export const EPOCHS = 'epochs';
export const SNAPSHOTS = 'snapshots';
export const ORPHANS = 'orphans';
const MANIFEST = 'manifest.json';

function padded(number: number, digits: number): string {
  return String(number).padStart(digits, '0');
}

export function segmentName(segment: number): string {
  return `${WAL}/${padded(segment, 20)}.jsonl`;
}

export function epochName(epoch: number): string {
  return `${EPOCHS}/${padded(epoch, 10)}.json`;
}

/** The number in the last part of a name; undefined for what is not ours. */
export function numberIn(name: string): number | undefined {
  const digits = /\/(\d+)\.jsonl?$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Unlike that of any other writer: two may make snapshots of the same revision at once. */
export function snapshotFolder(revision: number, writer: string): string {
  return `${SNAPSHOTS}/${padded(revision, 20)}-${writer}`;
}

export function manifestName(folder: string): string {
  return `${folder}/${MANIFEST}`;
}

export function isManifest(name: string): boolean {
  return name.startsWith(`${SNAPSHOTS}/`) && name.endsWith(`/${MANIFEST}`);
}

/** @param role what the records in it are: objects, their changes since, or history */
export function partName(
  folder: string,
  role: 'base' | 'delta' | 'history',
  index: number,
): string {
  return `${folder}/${role}-${padded(index, 6)}.jsonl`;
}

export function orphanFolder(epoch: number, segment: number): string {
  return `${ORPHANS}/${padded(epoch, 10)}-${segment}`;
}
