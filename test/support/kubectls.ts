// Every kubectl at hand: the one on the PATH (or in KUBECTL), and those of other versions beside it, named kubectl.1.NN.
import { readdirSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { kubectlBinary } from './kubectl.ts';

/** The oldest first. */
export function kubectlBinaries(): readonly string[] {
  const path = (process.env['PATH'] ?? '').split(delimiter);
  for (const candidate of [kubectlBinary, ...path.map((folder) => join(folder, kubectlBinary))]) {
    try {
      const folder = dirname(realpathSync(candidate));
      const others = readdirSync(folder).filter((name) => /^kubectl\.1\.\d+$/.test(name));
      if (others.length > 0) return others.toSorted().map((name) => join(folder, name));
    } catch {
      // Not there; the next.
    }
  }
  return [kubectlBinary];
}

/** The oldest and the newest, between which lie all forms of requests and of what is shown; one where there is only one. */
export function oldestAndNewest(): readonly string[] {
  const all = kubectlBinaries();
  return [...new Set([...all.slice(0, 1), ...all.slice(-1)])];
}
