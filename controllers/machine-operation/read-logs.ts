// What a host has to say for itself: the end of each log, and the state of things. What it does not have is left out.
import type { HostDriver } from '../hosts/host-driver.ts';
import { HostCommandError } from '../hosts/host-errors.ts';
import type { LogFile } from './archive.ts';

/** Of each file, from its end. */
const MOST_BYTES = 256 << 10;
const MOST_FILES = 64;
const TIMEOUT_MS = 30_000;

const COMMANDS: readonly { readonly file: string; readonly command: readonly string[] }[] = [
  { file: 'journal.log', command: ['journalctl', '--no-pager', '-n', '3000', '-o', 'short-iso'] },
  {
    file: 'units.txt',
    command: ['systemctl', '--no-pager', '--plain', 'list-units', '--type=service', '--all'],
  },
  { file: 'machines.txt', command: ['machinectl', '--no-pager', 'list'] },
  { file: 'kernel.log', command: ['dmesg', '--ctime'] },
  { file: 'disks.txt', command: ['df', '-h'] },
  { file: 'uname.txt', command: ['uname', '-a'] },
];

/** Folders whose files are logs. */
const FOLDERS = ['/var/log/windlass-services', '/var/log/pods', '/var/log/k0s'];

export async function readLogs(host: HostDriver, signal: AbortSignal): Promise<readonly LogFile[]> {
  const files: LogFile[] = [];
  for (const { file, command } of COMMANDS) {
    const text = await outputOf(host, command, signal);
    if (text !== undefined) files.push({ name: file, text: endOf(text) });
  }
  for (const folder of FOLDERS)
    for (const name of (await host.list(folder, signal)) ?? []) {
      if (files.length >= MOST_FILES) return files;
      const path = `${folder}/${name}`;
      const found = await host.stat(path, signal);
      if (found?.kind !== 'file') continue;
      const text = await outputOf(host, ['tail', '-c', `${MOST_BYTES}`, path], signal);
      if (text !== undefined) files.push({ name: path.slice(1), text });
    }
  return files;
}

/** Undefined where there is no such program, or it says nothing. What it complains about is kept. */
async function outputOf(
  host: HostDriver,
  command: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const { exitCode, stdout, stderr } = await host.exec(command, {
      signal,
      timeoutMs: TIMEOUT_MS,
    });
    if (exitCode === 127) return undefined;
    const text = exitCode === 0 ? stdout : `${stdout}\n[exit code ${exitCode}]\n${stderr}`;
    return text.trim() === '' ? undefined : text;
  } catch (error) {
    if (error instanceof HostCommandError) return undefined;
    throw error;
  }
}

/** Whole lines, so that nothing is cut in a way that hides a secret from redaction. */
function endOf(text: string): string {
  if (text.length <= MOST_BYTES) return text;
  const end = text.slice(-MOST_BYTES);
  return `[what was before is left out]\n${end.slice(end.indexOf('\n') + 1)}`;
}
