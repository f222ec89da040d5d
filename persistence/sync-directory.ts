// Names on the disk, not only what they stand for: a file is durable only when its directory entry is.
import { closeSync, existsSync, fsyncSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { makeDirectory } from '#platform/make-directory.ts';

/** Makes the names in a directory durable. @throws the file system's error */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The same for threads that wait for their disk. */
export function syncDirectorySync(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** Their parents are others': what may not be looked at, or cannot be synced, is as durable as its file system has it. */
const NOT_OURS = new Set(['EACCES', 'EPERM', 'EINVAL']);

/**
 * Makes a folder as makeDirectory() does, and its name durable, also when somebody has made it who may have died right after: what lies in
 * a folder whose own name is lost in a power cut is lost, however well it was synced.
 */
export function makeDirectoryDurably(path: string, mode: number): void {
  const folder = resolve(path);
  const named = [folder];
  for (let one = dirname(folder); !existsSync(one); one = dirname(one)) named.push(one);
  makeDirectory(folder, mode);
  for (const one of named) {
    try {
      syncDirectorySync(dirname(one));
    } catch (error) {
      if (!NOT_OURS.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
}
