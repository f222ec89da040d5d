// Opens a browser at an address that nobody else may see. The words of a command are there for everybody on the machine to read, so the
// browser is given a file of the user's own, which leads on.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Environment } from '../options.ts';

/** The command that opens what the desktop opens such files with; undefined where there is no desktop. */
export function browserCommand(
  platform: NodeJS.Platform,
  environment: Environment,
): string | undefined {
  if (platform === 'darwin') return 'open';
  const display = environment['WAYLAND_DISPLAY'] ?? environment['DISPLAY'] ?? '';
  return platform === 'linux' && display !== '' ? 'xdg-open' : undefined;
}

/** What leads on to `url`. */
export function leadingPage(url: string): string {
  const escaped = url.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  return `<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><meta http-equiv="refresh" content="0;url=${escaped}"><title>Windlass</title>\n`;
}

/** Resolves with what removes the file again, or undefined when there is no such command or it failed. */
export async function openBrowser(command: string, url: string): Promise<(() => void) | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'windlass-console-'));
  const file = join(folder, 'sign-in.html');
  writeFileSync(file, leadingPage(url), { mode: 0o600 });
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const child = spawn(command, [pathToFileURL(file).href], { stdio: 'ignore' });
  const hasOpened = await new Promise<boolean>((resolve) => {
    child.once('error', () => resolve(false));
    child.once('close', (code) => resolve(code === 0));
  });
  if (hasOpened) return remove;
  remove();
  return undefined;
}
