// Calls back when manifest files change. Editors replace files by renaming, so folders are watched, not files; bursts become one call.
import { statSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Clock } from '#platform/clock.ts';

/** Quiet time after the last event before the files are read: a save is several events. */
const SETTLE_MS = 150;

export interface WatchFilesOptions {
  /** Files or folders. */
  readonly paths: readonly string[];
  readonly clock: Clock;
  readonly onChange: (path: string) => void;
  /** A path that cannot be watched any more. */
  readonly onError: (path: string, error: Error) => void;
}

/** Watches until the signal aborts. */
export function watchFiles(options: WatchFilesOptions, signal: AbortSignal): void {
  for (const path of options.paths) watchPath(path, options, signal);
}

function watchPath(path: string, options: WatchFilesOptions, signal: AbortSignal): void {
  let cancel: (() => void) | undefined;
  const changed = (): void => {
    cancel?.();
    cancel = options.clock.schedule(SETTLE_MS, () => {
      if (!signal.aborted) options.onChange(path);
    });
  };
  try {
    const isFolder = statSync(path).isDirectory();
    const watcher: FSWatcher = watch(isFolder ? path : dirname(path), { signal });
    watcher.on('change', (_event, name) => {
      if (isFolder || name === null || String(name) === basename(path)) changed();
    });
    watcher.on('error', (error) => {
      if (!signal.aborted) options.onError(path, error);
    });
  } catch (error) {
    options.onError(path, error as Error);
  }
}
