// Names on the disk, not only what they stand for.
import { closeSync, fsyncSync, openSync } from 'node:fs';

/** A file is durable only when its directory entry is. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
