// SQLite files as persistence instances, one worker thread each.
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { Clock } from '#platform/clock.ts';
import { ThreadedLogProvider } from '../thread/threaded-log-provider.ts';

export interface SqliteProviderOptions {
  /** One instance per file; relative paths count from the working directory. */
  readonly paths: readonly string[];
  readonly clock: Clock;
  /** How long closing waits for a disk that does not answer, in milliseconds; 15 s by default. */
  readonly closeMs?: number;
}

// Beside this file, and of its kind: .ts in a checkout, .js in the packed package.
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? 'worker.ts' : 'worker.js',
  import.meta.url,
);

/** The name under which a provider of this kind serves a file. */
export function sqliteInstanceName(path: string): string {
  return `sqlite-${createHash('sha256').update(resolve(path)).digest('hex').slice(0, 8)}`;
}

export class SqlitePersistenceProvider extends ThreadedLogProvider {
  constructor({ paths, clock, closeMs }: SqliteProviderOptions) {
    const instances = paths.map((path) => ({
      name: sqliteInstanceName(path),
      location: resolve(path),
      worker: WORKER,
      data: { path: resolve(path) },
      ...(closeMs === undefined ? {} : { closeMs }),
    }));
    super({ instances, clock });
  }
}
