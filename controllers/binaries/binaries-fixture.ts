// Parts for tests of this folder: a real server with faults, a real store on disk, back-off without waiting.
import type { TestContext } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { ArtifactServer } from '#test/support/artifact-server.ts';
import { seededRandom } from '#test/support/seed.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { ArtifactFetcher } from './artifact-fetcher.ts';
import type { FetchOutcome } from './artifact-fetcher.ts';
import { ArtifactStore } from './artifact-store.ts';
import type { StoreOptions } from './artifact-store.ts';
import { HttpFetcher } from './http-fetcher.ts';
import type { HttpFetcherOptions } from './http-fetcher.ts';

export interface BinariesBench {
  readonly server: ArtifactServer;
  readonly store: ArtifactStore;
  readonly http: HttpFetcher;
  readonly fetcher: ArtifactFetcher;
  readonly outcomes: FetchOutcome[];
  readonly damaged: string[];
  readonly signal: AbortSignal;
}

export function makeStore(folder: string, options: Partial<StoreOptions> = {}): ArtifactStore {
  return new ArtifactStore({ folder, clock: systemClock, ids: systemIds, ...options });
}

export function makeHttp(
  t: Pick<TestContext, 'after'>,
  options: Partial<HttpFetcherOptions> = {},
): HttpFetcher {
  const http = new HttpFetcher({
    clock: systemClock,
    userAgent: 'windlass-test',
    environment: {},
    random: () => 0,
    backoffMs: 1,
    ...options,
  });
  t.after(() => http[Symbol.asyncDispose]());
  return http;
}

export async function binariesBench(
  t: Pick<TestContext, 'after'>,
  options: Partial<HttpFetcherOptions> = {},
): Promise<BinariesBench> {
  const server = await ArtifactServer.start(t);
  const damaged: string[] = [];
  const store = makeStore(tempDir(), { onDamage: (digest) => damaged.push(digest) });
  const http = makeHttp(t, options);
  const outcomes: FetchOutcome[] = [];
  const fetcher = new ArtifactFetcher(store, http, (outcome) => outcomes.push(outcome));
  const abort = new AbortController();
  t.after(() => abort.abort(new Error('the test is over')));
  return { server, store, http, fetcher, outcomes, damaged, signal: abort.signal };
}

/** Bytes that differ from one place to the next. */
export function someBytes(length: number, seed = 1): Buffer {
  const random = seededRandom(seed);
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 1) bytes[at] = random.next(256);
  return bytes;
}
