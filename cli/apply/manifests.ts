// The --manifests of `up`: applies them, tells what came of it, and applies a path again when it changes. A manifest that is wrong is
// told and passed over; nothing that is wrong in a file stops the server.
import type { Client } from '#controllers/machinery/client-types.ts';
import { sleep } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';
import type { FromThread } from '../thread-messages.ts';
import { applyManifest } from './apply.ts';
import type { RolloutFollower } from './follow-rollouts.ts';
import { ManifestError, manifestFiles, readManifests } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import { watchFiles } from './watch-files.ts';

export interface ManifestsOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly paths: readonly string[];
  readonly follower: RolloutFollower;
  readonly tell: (message: FromThread) => void;
}

/** The server answers 503 while it starts or its disk is full: again after this time. */
const RETRY_MS = 1_000;

/** Resolves when everything has been applied once; goes on with changed files until the signal aborts. */
export async function runManifests(options: ManifestsOptions, signal: AbortSignal): Promise<void> {
  const { paths, clock, tell } = options;
  for (const path of paths) await applyPath(path, options, signal);
  // One at a time, so that two saves in a row cannot overtake each other.
  let queue = Promise.resolve();
  const onChange = (path: string): void => {
    queue = queue.then(() => applyPath(path, options, signal)).catch(() => undefined);
  };
  const onError = (path: string, error: Error): void =>
    tell({ type: 'say', text: `${path}: changes are not followed any more: ${error.message}` });
  watchFiles({ paths, clock, onChange, onError }, signal);
}

async function applyPath(
  path: string,
  options: ManifestsOptions,
  signal: AbortSignal,
): Promise<void> {
  const { tell } = options;
  for (const file of attempt(() => manifestFiles(path), tell) ?? []) {
    for (const manifest of attempt(() => readManifests(file), tell) ?? [])
      await applyOne(manifest, options, signal);
  }
}

function attempt<T>(read: () => T, tell: (message: FromThread) => void): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    tell({ type: 'say', text: `${error.message}; mend the file and save, it is applied then` });
    return undefined;
  }
}

async function applyOne(
  manifest: Manifest,
  options: ManifestsOptions,
  signal: AbortSignal,
): Promise<void> {
  const { client, clock, follower, tell } = options;
  let told = false;
  while (!signal.aborted) {
    try {
      const { name, outcome, resource, object } = await applyManifest(client, manifest, signal);
      if (resource.group === 'windlass.dev' && resource.resource === 'services')
        follower.follow(object);
      tell({ type: 'say', text: `${name} ${outcome}` });
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ManifestError) {
        tell({ type: 'say', text: `${error.message}; mend the file and save, it is applied then` });
        return;
      }
      const why = error instanceof Error ? error.message : String(error);
      if (!told)
        tell({ type: 'say', text: `${manifest.file}: not applied yet: ${why}; trying again` });
      told = true;
      await sleep(clock, RETRY_MS, signal).catch(() => undefined);
    }
  }
}
