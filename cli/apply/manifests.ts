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
  /** They were applied before: only what is saved from now on is applied. */
  readonly isApplied?: boolean;
  readonly follower: Pick<RolloutFollower, 'follow'>;
  readonly tell: (message: FromThread) => void;
}

/** The server answers 503 while it starts or its disk is full: again after this time. */
const RETRY_MS = 1_000;

/** What came of a document, and what to call it. */
interface Outcome {
  readonly name: string;
  readonly outcome: 'created' | 'configured' | 'unchanged';
}

/** Resolves when everything has been applied once; goes on with changed files until the signal aborts. */
export async function runManifests(options: ManifestsOptions, signal: AbortSignal): Promise<void> {
  const { paths, isApplied, clock, tell } = options;
  const trees = new Map(paths.map((path) => [path, new ManifestTree(path, options)]));
  if (!isApplied) for (const tree of trees.values()) await tree.apply(signal);
  // One at a time, so that two saves in a row cannot overtake each other.
  let queue = Promise.resolve();
  const onChange = (path: string): void => {
    queue = queue.then(() => trees.get(path)?.apply(signal)).catch(() => undefined);
  };
  const onError = (path: string, error: Error): void =>
    tell({ type: 'say', text: `${path}: changes are not followed any more: ${error.message}` });
  watchFiles({ paths, clock, onChange, onError }, signal);
}

/** One path of --manifests and what was applied from it. */
class ManifestTree {
  readonly #path: string;
  readonly #options: ManifestsOptions;
  /** By document; what to call it and the file it was in. */
  #applied = new Map<string, { readonly name: string; readonly file: string }>();
  #isFirst = true;

  constructor(path: string, options: ManifestsOptions) {
    this.#path = path;
    this.#options = options;
  }

  async apply(signal: AbortSignal): Promise<void> {
    const { tell } = this.#options;
    const before = this.#applied;
    const now = new Map<string, { readonly name: string; readonly file: string }>();
    const unread = new Set<string>();
    let news = 0;
    const files = attempt(() => manifestFiles(this.#path), tell);
    for (const file of files ?? []) {
      const manifests = attempt(() => readManifests(file), tell);
      if (manifests === undefined) {
        unread.add(file);
        news += 1;
      }
      for (const manifest of manifests ?? []) {
        const document = keyOf(manifest);
        const applied = await applyOne(manifest, this.#options, signal);
        const name = applied?.name ?? before.get(document)?.name;
        if (name !== undefined) now.set(document, { name, file });
        // At every save the same lines again would hide the one that matters.
        if (applied?.outcome === 'unchanged' && !this.#isFirst) continue;
        news += 1;
        if (applied !== undefined)
          tell({ type: 'say', text: `${applied.name} ${applied.outcome}` });
      }
    }
    // A folder that cannot be read, or a file that does not parse, says nothing about what it should hold.
    for (const [document, known] of before) {
      if (now.has(document)) continue;
      if (files === undefined || unread.has(known.file)) now.set(document, known);
      else {
        news += 1;
        const text = `${known.name} is not in ${known.file} any more; it stays until you delete it: kubectl delete ${known.name}`;
        tell({ type: 'say', text });
      }
    }
    if (news === 0 && files !== undefined)
      tell({ type: 'say', text: `${this.#path}: read again, nothing has changed` });
    this.#applied = now;
    this.#isFirst = false;
  }
}

function keyOf({ object: { apiVersion, kind, metadata } }: Manifest): string {
  return JSON.stringify([apiVersion, kind, metadata.namespace ?? '', metadata.name]);
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

/** Undefined when it was refused, which has been told, or when the signal aborted. */
async function applyOne(
  manifest: Manifest,
  options: ManifestsOptions,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  const { client, clock, follower, tell } = options;
  let told = false;
  while (!signal.aborted) {
    try {
      const { name, outcome, resource, object } = await applyManifest(client, manifest, signal);
      if (resource.group === 'windlass.dev' && resource.resource === 'services')
        follower.follow(object);
      return { name, outcome };
    } catch (error) {
      if (signal.aborted) return undefined;
      if (error instanceof ManifestError) {
        tell({ type: 'say', text: `${error.message}; mend the file and save, it is applied then` });
        return undefined;
      }
      const why = error instanceof Error ? error.message : String(error);
      if (!told)
        tell({ type: 'say', text: `${manifest.file}: not applied yet: ${why}; trying again` });
      told = true;
      await sleep(clock, RETRY_MS, signal).catch(() => undefined);
    }
  }
  return undefined;
}
