// The version of this program, from its package.json.
import { readFileSync } from 'node:fs';

/** `0.1.0` */
export function programVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  const manifest: unknown = JSON.parse(text);
  const version =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest
      ? manifest.version
      : undefined;
  if (typeof version !== 'string') throw new Error('package.json holds no version');
  return version;
}

/** How requests of a command are named in the server's logs: `windlass-rollback/0.1.0`. */
export function userAgent(command: string): string {
  return `windlass-${command}/${programVersion()}`;
}
