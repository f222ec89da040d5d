// Names on the disk, not only what they stand for: a renamed file is durable only when its folder is.
import { open } from 'node:fs/promises';

/** @throws the file system's error */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
