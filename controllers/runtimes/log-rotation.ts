// Keeps the log files of processes bounded. The processes hold the files open and write straight to them, so rotation copies the
// file aside and truncates it (their descriptors append, so they go on at the new end). Bytes written between the last look and
// the truncation are lost; the copy is therefore repeated until nothing was added meanwhile.
import { open, rename, rm, stat, truncate } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { TIMES_SUFFIX } from './log-times.ts';

export const ROTATE_AT_BYTES = 10 << 20;
/** Files kept of one container: the one being written and two older ones, `.1` the newer. */
export const FILES_KEPT = 3;

/** Existing files of a log, oldest first. */
export async function logSegments(logFile: string): Promise<string[]> {
  const candidates = Array.from({ length: FILES_KEPT }, (_, age) => rotatedName(logFile, age));
  const sizes = await Promise.all(candidates.map((path) => sizeOf(path)));
  return candidates.filter((_, index) => sizes[index] !== undefined).toReversed();
}

export function rotatedName(logFile: string, age: number): string {
  return age === 0 ? logFile : `${logFile}.${age}`;
}

/** Bytes in the file, undefined when there is none. */
export async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch {
    return undefined;
  }
}

/** Differs between one file of that name and the next; undefined when there is none. */
export async function identityOf(path: string): Promise<string | undefined> {
  try {
    const { ino, mtimeMs } = await stat(path);
    return `${ino} ${mtimeMs}`;
  } catch {
    return undefined;
  }
}

/** Moves the content of `logFile` to `.1` and empties it. */
export async function rotate(logFile: string): Promise<void> {
  for (let age = FILES_KEPT - 2; age >= 1; age -= 1) {
    await moveIfThere(rotatedName(logFile, age), rotatedName(logFile, age + 1));
  }
  const target = rotatedName(logFile, 1);
  await using source = await open(logFile, 'r');
  await using copy = await open(`${target}.tmp`, 'w', 0o600);
  let copied = 0;
  for (;;) {
    const next = await copyFrom(source, copy, copied);
    if (next === copied) break;
    copied = next;
  }
  await truncate(logFile, 0);
  await rename(`${target}.tmp`, target);
  await moveOne(`${logFile}${TIMES_SUFFIX}`, `${target}${TIMES_SUFFIX}`);
}

export async function removeLog(logFile: string): Promise<void> {
  for (let age = 0; age < FILES_KEPT; age += 1) {
    await rm(rotatedName(logFile, age), { force: true });
    await rm(`${rotatedName(logFile, age)}${TIMES_SUFFIX}`, { force: true });
  }
}

async function copyFrom(source: FileHandle, copy: FileHandle, from: number): Promise<number> {
  const buffer = Buffer.allocUnsafe(256 << 10);
  let position = from;
  for (;;) {
    const { bytesRead } = await source.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return position;
    await copy.write(buffer, 0, bytesRead, position);
    position += bytesRead;
  }
}

async function moveIfThere(from: string, to: string): Promise<void> {
  await moveOne(from, to);
  await moveOne(`${from}${TIMES_SUFFIX}`, `${to}${TIMES_SUFFIX}`);
}

async function moveOne(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
