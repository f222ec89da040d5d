// Directories on a network file system as persistence instances, one worker thread each. A local directory works as well.
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { Clock } from '#platform/clock.ts';
import { ThreadedLogProvider } from '../thread/threaded-log-provider.ts';

export interface NfsProviderOptions {
  /** One instance per directory; relative paths count from the working directory. */
  readonly paths: readonly string[];
  readonly clock: Clock;
  /** How long one call to the file server may take, in milliseconds; 10 s by default. */
  readonly stallMs?: number;
}

const STALL_MS = 10_000;

const WORKER = new URL(
  import.meta.url.endsWith('.ts')
    ? '../segments/directory-worker.ts'
    : '../segments/directory-worker.js',
  import.meta.url,
);

/** The name under which a provider of this kind serves a directory. */
export function nfsInstanceName(path: string): string {
  return `nfs-${createHash('sha256').update(resolve(path)).digest('hex').slice(0, 8)}`;
}

export class NfsPersistenceProvider extends ThreadedLogProvider {
  constructor({ paths, clock, stallMs = STALL_MS }: NfsProviderOptions) {
    const instances = paths.map((path) => ({
      name: nfsInstanceName(path),
      location: resolve(path),
      worker: WORKER,
      data: { path: resolve(path) },
      stallMs,
    }));
    super({ instances, clock, hasHolders: true });
  }
}
