// putFile() over SSH: uploaded under another name beside the target (through a folder of the user and sudo where only root may write
// there), synced, its digest computed on the host, renamed.
import { HostCommandError, DigestMismatchError } from '../host-errors.ts';
import type { PutOptions } from '../host-driver.ts';
import type { HostContent } from '../host-content.ts';
import { DEFAULT_FILE_MODE, STALE_TEMPORARY_MS, TEMPORARY_MARK } from '../host-rules.ts';
import { FINISH, PREPARE, REPLACE, SYNC_FOLDER, TAKE } from './host-scripts.ts';
import type { RemoteShell } from './remote-command.ts';
import { runRemote } from './remote-command.ts';
import type { Scripts } from './run-script.ts';
import { posixRename, upload } from './sftp-upload.ts';

/** A large file takes its time to be read again on the host. */
const DIGEST_TIMEOUT_MS = 600_000;
const CLEAN_MS = 5_000;

export async function sshPut(
  shell: RemoteShell,
  scripts: Scripts,
  path: string,
  content: HostContent,
  options: PutOptions,
): Promise<string> {
  const { signal, mode = DEFAULT_FILE_MODE, modifiedMillis } = options;
  await scripts.run(PREPARE, [path, TEMPORARY_MARK, `${STALE_TEMPORARY_MS / 60_000}`], signal);
  const temporary = `${path}${TEMPORARY_MARK}${shell.ids.hex(16)}`;
  const folder = shell.sudo ? await uploadFolder(shell, signal) : undefined;
  const landing = folder === undefined ? temporary : `${folder}/file`;
  try {
    const { digest, isSynced } = await shell.connection.transfer(signal, (sftp, ending) =>
      upload(sftp, landing, content, ending),
    );
    if (folder !== undefined) await scripts.run(TAKE, [landing, temporary], signal);
    const seconds = modifiedMillis === undefined ? '' : (modifiedMillis / 1000).toFixed(3);
    const isSafe = isSynced && folder === undefined;
    const printed = await scripts.run(
      FINISH,
      [temporary, mode.toString(8), seconds, isSafe ? 'no' : 'yes'],
      signal,
      DIGEST_TIMEOUT_MS,
    );
    const found = printed.toString('utf8').slice(0, 64);
    const wanted = options.sha256 ?? digest;
    if (found !== wanted) throw new DigestMismatchError(path, wanted, found);
    await replace(shell, scripts, temporary, path, signal);
    await scripts.run(SYNC_FOLDER, [path], signal);
    return found;
  } catch (error) {
    await clean(shell, scripts, temporary);
    throw error;
  } finally {
    if (folder !== undefined) await clean(shell, scripts, folder);
  }
}

async function replace(
  shell: RemoteShell,
  scripts: Scripts,
  temporary: string,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const isDone =
    !shell.sudo &&
    (await shell.connection.transfer(signal, (sftp, ending) =>
      posixRename(sftp, temporary, path, ending),
    ));
  if (!isDone) await scripts.run(REPLACE, [temporary, path], signal);
}

/** A folder that only the user can look into; root takes the file from there. */
async function uploadFolder(shell: RemoteShell, signal: AbortSignal): Promise<string> {
  const { stdout, exitCode, stderr } = await runRemote(
    { ...shell, sudo: false },
    ['mktemp', '-d', '/tmp/windlass-upload-XXXXXXXXXX'],
    { signal },
  );
  const folder = stdout.text().trim();
  if (exitCode === 0 && /^\/tmp\/windlass-upload-\w+$/.test(folder)) return folder;
  throw new HostCommandError(
    `${shell.connection.name}: cannot make a folder in /tmp: ${stderr.trim()}`,
  );
}

/** Also after an abort, whose signal would forbid it; where the host is away, a later write finds what is left. */
async function clean(shell: RemoteShell, scripts: Scripts, path: string): Promise<void> {
  const giveUp = new AbortController();
  const cancel = shell.clock.schedule(CLEAN_MS, () => giveUp.abort());
  await scripts.run('exec rm -rf -- "$1"', [path], giveUp.signal).catch(() => undefined);
  cancel();
}
