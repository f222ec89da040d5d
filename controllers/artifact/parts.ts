// What the artifact controller is made of, and what other controllers share with it: one store, one way to fetch.
import type { Clock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import type { Logger } from '#platform/logging.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';
import { ArtifactFetcher } from '../binaries/artifact-fetcher.ts';
import { ArtifactStore } from '../binaries/artifact-store.ts';
import { HttpFetcher } from '../binaries/http-fetcher.ts';
import type { Client } from '../machinery/client-types.ts';
import type { BringOptions } from './bring-artifact.ts';
import { ImageFetcher } from './fetch-image.ts';
import { LocalFiles } from './local-files.ts';
import { ArtifactMetrics } from './metrics.ts';
import { secretHeaders } from './secret-headers.ts';

export interface ArtifactsOptions {
  /** Where the store is. */
  readonly folder: string;
  /** Where files of `localPath` are looked for. */
  readonly files: readonly string[];
  /** For proxies. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where `docker login` keeps what it knows. */
  readonly dockerFolder?: string | undefined;
  /** PEM of authorities to trust instead of the public ones. */
  readonly certificateAuthority?: string;
  /** First wait between attempts of one fetch, in milliseconds. */
  readonly backoffMs?: number;
  /** Entries that nobody keeps are removed so long after their last use; 1 h by default. */
  readonly unusedMs?: number;
  /** How often files of `localPath` without a digest in the spec are looked at; 30 s by default. */
  readonly localEveryMs?: number;
}

export interface PartsOptions extends ArtifactsOptions {
  readonly client: Pick<Client, 'get'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly random: () => number;
}

/** Close it to give the sockets back. */
export class ArtifactParts implements AsyncDisposable {
  readonly store: ArtifactStore;
  readonly http: HttpFetcher;
  readonly fetcher: ArtifactFetcher;
  readonly metrics: ArtifactMetrics;
  readonly bring: BringOptions;
  readonly unusedMs: number;
  readonly localEveryMs: number;
  readonly #images: ImageFetcher;

  /** @throws ArtifactError for a proxy that is no URL */
  constructor(options: PartsOptions) {
    const { folder, files, clock, logger, client, environment, dockerFolder } = options;
    const userAgent = 'windlass';
    const metrics = new ArtifactMetrics(options.metrics);
    this.metrics = metrics;
    this.unusedMs = options.unusedMs ?? 3600_000;
    this.localEveryMs = options.localEveryMs ?? 30_000;
    this.store = new ArtifactStore({
      folder,
      clock,
      ids: systemIds,
      onDamage(digest) {
        metrics.damaged();
        logger.warn('An entry of the artifact store was damaged, and removed', { digest });
      },
    });
    this.http = new HttpFetcher({ ...options, userAgent });
    this.fetcher = new ArtifactFetcher(this.store, this.http, (outcome) =>
      metrics.observe(outcome),
    );
    this.#images = new ImageFetcher({
      fetcher: this.fetcher,
      client,
      clock,
      logger,
      userAgent,
      dockerFolder,
      environment,
    });
    this.bring = {
      fetcher: this.fetcher,
      files: new LocalFiles(files),
      images: this.#images,
      headers: (namespace, ref, signal) => secretHeaders(client, namespace, ref, signal),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.http[Symbol.asyncDispose]();
    await this.#images[Symbol.asyncDispose]();
  }
}
