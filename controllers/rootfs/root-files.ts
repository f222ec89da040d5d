// Files on a host that have one right content: written only where they differ, and below a root never through a link of its image.
import { createHash } from 'node:crypto';
import type { HostDriver } from '../hosts/host-driver.ts';
import { HostCommandError } from '../hosts/host-errors.ts';

/** @returns whether it had to be written */
export async function putIfDifferent(
  host: HostDriver,
  path: string,
  content: string,
  signal: AbortSignal,
  mode = 0o644,
): Promise<boolean> {
  const sha256 = createHash('sha256').update(content).digest('hex');
  const found = await host.stat(path, signal);
  const isRight =
    found?.kind === 'file' && found.mode === mode && (await host.digest(path, signal)) === sha256;
  if (isRight) return false;
  await host.putFile(path, content, { signal, mode, sha256 });
  return true;
}

/**
 * The path of a file below a machine's root, as its host sees it.
 *
 * @throws HostCommandError where a folder on the way is a link or no folder: an image could lead us to its host's own files
 */
export async function pathInRoot(
  host: HostDriver,
  root: string,
  path: string,
  signal: AbortSignal,
): Promise<string> {
  const parts = path.split('/').filter((part) => part !== '');
  if (parts.includes('..') || parts.includes('.'))
    throw new HostCommandError(`${JSON.stringify(path)} is no plain path below the root`);
  let at = root;
  for (const part of parts.slice(0, -1)) {
    at = `${at}/${part}`;
    // What lies above decides whether what lies below is looked at.
    const found = await host.stat(at, signal);
    if (found === undefined) break;
    if (found.kind !== 'directory')
      throw new HostCommandError(
        `${at} is ${found.kind === 'link' ? 'a link' : 'no folder'}: nothing is written through it; use an image where it is a folder`,
      );
  }
  return `${root}/${parts.join('/')}`;
}

/** Runs a program that must succeed. @throws HostCommandError with the end of what it said */
export async function mustRun(
  host: HostDriver,
  command: readonly string[],
  signal: AbortSignal,
  timeoutMs = 60_000,
): Promise<string> {
  const { exitCode, stdout, stderr } = await host.exec(command, { signal, timeoutMs });
  if (exitCode === 0) return stdout;
  const words = (stderr.trim() === '' ? stdout : stderr).trim().slice(-400);
  throw new HostCommandError(`${command[0] ?? ''} ended with exit code ${exitCode}: ${words}`);
}
