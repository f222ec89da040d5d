// Puts one file onto a host as a spec declares it: folders that are missing are made with their mode, and the file appears with bytes,
// permissions and owner at once.
import type { HostDriver } from '../hosts/host-driver.ts';
import { HostCommandError } from '../hosts/host-errors.ts';
import { ArtifactError } from './artifact-error.ts';
import type { DeclaredFile, FileOwner } from './declared-files.ts';
import { modeText } from './file-mode.ts';

/** Where the bytes are: here, or in a file of the host. */
export type FileBytes = { readonly open: DeclaredFile['open'] } | { readonly copyOf: string };

export type FileToInstall = Omit<DeclaredFile, 'open'> & FileBytes;

const PART = '.windlass-part';
const COPY_MS = 600_000;

/** @returns whether anything had to be written. @throws HostCommandError; ArtifactError for other bytes than promised */
export async function installFile(
  host: HostDriver,
  file: FileToInstall,
  signal: AbortSignal,
): Promise<boolean> {
  const { path, sha256, mode, owner } = file;
  const found = await host.stat(path, signal);
  if (found?.kind === 'directory')
    throw new HostCommandError(`${path} is a folder on ${host.name}: a file cannot take its place`);
  if (found?.kind === 'file' && (await host.digest(path, signal)) === sha256) {
    await own(host, [path], owner, signal);
    if (found.mode !== mode) await run(host, ['chmod', modeText(mode), path], signal);
    return found.mode !== mode;
  }
  await makeFolders(host, file, signal);
  const partial = `${path}${PART}`;
  try {
    // Nobody else reads it before it has its owner.
    if ('open' in file)
      await host.putFile(partial, file.open(signal), { signal, mode: 0o600, sha256 });
    else await copy(host, file.copyOf, partial, sha256, signal);
    await own(host, [partial], owner, signal);
    await run(host, ['chmod', modeText(mode), partial], signal);
    await host.rename(partial, path, signal);
  } catch (error) {
    await host.remove(partial, new AbortController().signal).catch(() => undefined);
    throw error;
  }
  return true;
}

async function copy(
  host: HostDriver,
  from: string,
  to: string,
  sha256: string,
  signal: AbortSignal,
): Promise<void> {
  await run(host, ['cp', from, to], signal);
  const found = await host.digest(to, signal);
  if (found !== sha256)
    throw new ArtifactError(
      'ChecksumMismatch',
      `${from} on ${host.name}: SHA-256 is ${found ?? 'that of no file'}, and should be ${sha256}; nothing was replaced`,
    );
}

/** Those that are there stay as they are. */
async function makeFolders(
  host: HostDriver,
  { path, directoryMode, owner }: FileToInstall,
  signal: AbortSignal,
): Promise<void> {
  const parts = path.split('/').slice(1, -1);
  const missing: string[] = [];
  for (let depth = parts.length; depth > 0; depth -= 1) {
    const folder = `/${parts.slice(0, depth).join('/')}`;
    if ((await host.stat(folder, signal)) !== undefined) break;
    missing.unshift(folder);
  }
  for (const folder of missing)
    await run(host, ['mkdir', '-p', '-m', modeText(directoryMode), folder], signal);
  await own(host, missing, owner, signal);
}

async function own(
  host: HostDriver,
  paths: readonly string[],
  { user = '', group = '' }: FileOwner,
  signal: AbortSignal,
): Promise<void> {
  if (paths.length === 0 || (user === '' && group === '')) return;
  const text = group === '' ? user : `${user}:${group}`;
  await run(host, ['chown', '--', text, ...paths], signal);
}

async function run(
  host: HostDriver,
  command: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const { exitCode, stdout, stderr } = await host.exec(command, { signal, timeoutMs: COPY_MS });
  if (exitCode === 0) return;
  const words = (stderr.trim() === '' ? stdout : stderr).trim().slice(-400);
  throw new HostCommandError(`${command[0] ?? ''} ended with exit code ${exitCode}: ${words}`);
}
