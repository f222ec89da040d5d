// Tells a data directory from its copies: they have everything in common but where they lie.
import { createHash } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';

/**
 * The same over restarts of process and machine; another for a copy, and for what was moved or restored.
 *
 * @returns 16 hexadecimal digits; undefined where there is none that can be looked at
 */
export async function directoryIdentity(path: string): Promise<string | undefined> {
  try {
    const { ino } = await stat(path, { bigint: true });
    const text = `${ino} ${await realpath(path)}`;
    return createHash('sha256').update(text).digest('hex').slice(0, 16);
  } catch {
    return undefined;
  }
}
