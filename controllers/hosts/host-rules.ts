// What all drivers agree on: which paths and unit names they take, how commands default, how errors of a file system are told.
import { HostCommandError } from './host-errors.ts';

export const DEFAULT_TIMEOUT_MS = 60_000;
export const DEFAULT_READ_BYTES = 1 << 20;
export const DEFAULT_FILE_MODE = 0o644;

/** As timeout(1) answers. */
export const TIMED_OUT = 124;
/** As shells answer for a program that is not there. */
export const NOT_FOUND = 127;

/** Where units of the administrator lie. */
export const UNIT_FOLDER = '/etc/systemd/system';

/** Temporary files of atomic writes: `<target>.windlass-tmp-<hex>`. Those that a killed process left are removed by a later write. */
export const TEMPORARY_MARK = '.windlass-tmp-';
/** A temporary file as old as this belongs to nobody any more. */
export const STALE_TEMPORARY_MS = 60 * 60 * 1000;

/** @throws HostCommandError unless the path is absolute and plain: no `.` or `..`, no double or trailing slash, no NUL */
export function requirePath(path: string): string {
  const plain =
    path === '/' || (/^(\/[^/\0]+)+$/.test(path) && !/(^|\/)\.\.?(\/|$)/.test(path.slice(1)));
  if (plain) return path;
  throw new HostCommandError(
    `path ${JSON.stringify(path)}: must be absolute, without ".", ".." and empty parts`,
  );
}

/** @throws HostCommandError for the root folder, which is nobody's to replace or remove */
export function requireOwnPath(path: string): string {
  if (requirePath(path) === '/') throw new HostCommandError('path "/": not the root folder itself');
  return path;
}

/** @throws HostCommandError for what systemd would not take as the name of a unit */
export function requireUnit(unit: string): string {
  if (
    unit.length <= 255 &&
    /^[A-Za-z0-9:_.@\\-]+\.(service|socket|timer|mount|target|path|slice)$/.test(unit)
  )
    return unit;
  throw new HostCommandError(
    `unit ${JSON.stringify(unit)}: must be a name as systemd has them, such as "kubelet.service"`,
  );
}

/** @throws HostCommandError without a program, or with a NUL in an argument */
export function requireCommand(command: readonly string[]): readonly [string, ...string[]] {
  const [program, ...rest] = command;
  if (program === undefined || program === '')
    throw new HostCommandError('command: is empty; the first element names a program');
  if (command.some((part) => part.includes('\0')))
    throw new HostCommandError(`command ${JSON.stringify(program)}: an argument contains a NUL`);
  return [program, ...rest];
}

/** The folder of a path. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')));
}

/** What stderr says of a command that was killed at its time limit. */
export function timeoutNote(timeoutMs: number): string {
  return `killed: it ran longer than ${timeoutMs} ms\n`;
}
