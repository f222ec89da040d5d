// Gets binaries onto many hosts: caches first, once per key, then every host in a sliding window. Nothing that is installed is touched.
import { Slots } from '../hosts/slots.ts';
import { isBinaryCacher } from './binary-provider.ts';
import type { BinaryCacher, BinaryProvider } from './binary-provider.ts';

/** Of what runs at the same time; 0: no limit. */
export interface StagingLimits {
  /** Hosts, all together. */
  readonly operations: number;
  /** Hosts that are sent something from here. */
  readonly uploads: number;
  /** Fetches into the cache. */
  readonly downloads: number;
}

export const STAGING_LIMITS: StagingLimits = { operations: 30, uploads: 5, downloads: 5 };

export interface StagingHost {
  readonly name: string;
  readonly provider: BinaryProvider | (BinaryProvider & BinaryCacher);
  /** It is about to be taken apart: nothing is staged there. */
  readonly isReset?: boolean;
}

export interface StagingOptions {
  readonly limits?: StagingLimits;
  /** Whether one failure ends the staging of all; true by default. Else the others go on, and those that failed are named. */
  readonly stopsAtFailure?: boolean;
  /** Told as it happens. */
  readonly onStaged?: (host: string, path: string | undefined) => void;
}

export interface StagingResult {
  /** By host: the temporary file there; undefined: in its place already. */
  readonly staged: ReadonlyMap<string, string | undefined>;
  readonly failed: ReadonlyMap<string, Error>;
}

/** Hosts by name, and why each failed. */
export class StagingError extends Error {
  override readonly name = 'StagingError';
  readonly failed: ReadonlyMap<string, Error>;

  constructor(failed: ReadonlyMap<string, Error>) {
    const lines = [...failed].map(([host, { message }]) => `${host}: ${message}`);
    super(`failed on ${failed.size} host${failed.size === 1 ? '' : 's'}:\n${lines.join('\n')}`);
    this.failed = failed;
  }
}

/** Those whose binary is to be replaced, in the order given. @throws what a provider cannot find out */
export async function hostsToStage<T extends StagingHost>(
  hosts: readonly T[],
  signal: AbortSignal,
): Promise<readonly T[]> {
  const needs = await Promise.all(
    hosts.map(async ({ isReset, provider }) => isReset !== true && provider.needsUpgrade(signal)),
  );
  return hosts.filter((_, index) => needs[index]);
}

/**
 * Stages the hosts that need it. After a failure or an abort, what was staged is cleaned up again.
 *
 * @throws StagingError; the signal's reason
 */
export async function stageBinaries(
  hosts: readonly StagingHost[],
  signal: AbortSignal,
  options: StagingOptions = {},
): Promise<StagingResult> {
  const { limits = STAGING_LIMITS, stopsAtFailure = true } = options;
  const selected = await hostsToStage(hosts, signal);
  const stop = new AbortController();
  const lifetime = AbortSignal.any([signal, stop.signal]);
  const failed = new Map<string, Error>();
  const staged = new Map<string, string | undefined>();
  const fail = (names: readonly string[], error: unknown): void => {
    // What was ended because another one failed has no failure of its own.
    if (lifetime.aborted) return;
    const cause = error instanceof Error ? error : new Error(String(error));
    for (const name of names) failed.set(name, cause);
    if (stopsAtFailure) stop.abort(new Error('another host failed'));
  };
  const cached = await fillCaches(selected, limits, lifetime, fail);
  const operations = new Slots(limits.operations);
  const uploads = new Slots(limits.uploads);
  await Promise.all(
    selected
      .filter(({ name }) => cached.has(name))
      .map(async ({ name, provider }) => {
        const stage = (): Promise<string | undefined> => provider.stage(lifetime);
        try {
          const path = await (provider.isUpload()
            ? // First the rarer place, so that nobody holds the other while waiting for it.
              uploads.run(lifetime, () => operations.run(lifetime, stage))
            : operations.run(lifetime, stage));
          staged.set(name, path);
          options.onStaged?.(name, path);
        } catch (error) {
          fail([name], error);
        }
      }),
  );
  if (signal.aborted || (stopsAtFailure && failed.size > 0)) {
    await cleanUp(selected);
    signal.throwIfAborted();
    throw new StagingError(failed);
  }
  await cleanUp(selected.filter(({ name }) => failed.has(name)));
  return { staged, failed };
}

/** One call per key, however many hosts share it. @returns names of the hosts that can be staged */
async function fillCaches(
  hosts: readonly StagingHost[],
  limits: StagingLimits,
  signal: AbortSignal,
  fail: (names: readonly string[], error: unknown) => void,
): Promise<ReadonlySet<string>> {
  const ready = new Set<string>();
  const byKey = new Map<string, { readonly cacher: BinaryCacher; readonly names: string[] }>();
  for (const { name, provider } of hosts) {
    if (!isBinaryCacher(provider)) {
      ready.add(name);
      continue;
    }
    try {
      const key = provider.binaryCacheKey();
      if (key === '') throw new Error('the cache key is empty');
      const entry = byKey.get(key) ?? { cacher: provider, names: [] };
      entry.names.push(name);
      byKey.set(key, entry);
    } catch (error) {
      fail([name], error);
    }
  }
  const downloads = new Slots(limits.downloads);
  await Promise.all(
    [...byKey.values()].map(async ({ cacher, names }) => {
      try {
        await downloads.run(signal, () => cacher.ensureCached(signal));
        for (const name of names) ready.add(name);
      } catch (error) {
        fail(names, error);
      }
    }),
  );
  return ready;
}

/** Also after an abort: it has deadlines of its own. */
async function cleanUp(hosts: readonly StagingHost[]): Promise<void> {
  const { signal } = new AbortController();
  await Promise.all(hosts.map(({ provider }) => provider.cleanUp(signal).catch(() => undefined)));
}
