// Looks for a secret in files and texts, in the forms in which one could have been written down.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Raw, hexadecimal, and base64 at each of the three offsets at which it can stand in a longer text. */
export function tracesOf(secret: string): readonly Buffer[] {
  const raw = Buffer.from(secret);
  const base64 = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), raw])
      .toString('base64')
      .replaceAll('=', '');
    // The first and last characters also depend on what stands beside it.
    return text.slice(offset === 0 ? 0 : 4, -1);
  });
  return [secret, raw.toString('hex'), ...base64].map((text) => Buffer.from(text));
}

/** Every file below a folder, with what is in it. */
export function filesBelow(folder: string): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name);
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === true)
      found.set(path, readFileSync(path));
  }
  return found;
}

/** Names of those in which any of the secrets can be found. */
export function whereSecretsAre(
  places: ReadonlyMap<string, Buffer>,
  secrets: readonly string[],
): readonly string[] {
  const traces = secrets.flatMap(tracesOf);
  return [...places]
    .filter(([, content]) => traces.some((trace) => content.includes(trace)))
    .map(([name]) => name);
}
