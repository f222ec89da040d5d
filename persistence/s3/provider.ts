// S3 buckets as persistence instances, one worker thread each, so that the SDK costs the serving thread nothing.
import type { Clock } from '#platform/clock.ts';
import { ThreadedLogProvider } from '../thread/threaded-log-provider.ts';
import { describeS3Location, parseS3Url, s3InstanceName } from './url.ts';
import type { S3Location } from './url.ts';

/** How long a request may take, in milliseconds. */
export interface S3Deadlines {
  readonly attemptMs: number;
  /** With all its attempts. */
  readonly totalMs: number;
}

export interface S3ProviderOptions {
  /** One instance each: `s3://BUCKET/PREFIX?endpoint=…`, see url.ts. */
  readonly urls: readonly string[];
  readonly clock: Clock;
  /** 5 s and 30 s by default. */
  readonly deadlines?: S3Deadlines;
}

/** What the worker is told. */
export interface S3WorkerData {
  readonly where: S3Location;
  readonly deadlines: S3Deadlines;
}

// Beside this file, and of its kind: .ts in a checkout, .js in the packed package.
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? 'worker.ts' : 'worker.js',
  import.meta.url,
);

export class S3PersistenceProvider extends ThreadedLogProvider {
  /** @throws S3UrlError */
  constructor({ urls, clock, deadlines }: S3ProviderOptions) {
    const instances = urls.map((url) => {
      const where = parseS3Url(url);
      const data: S3WorkerData = {
        where,
        deadlines: deadlines ?? { attemptMs: 5_000, totalMs: 30_000 },
      };
      const location = describeS3Location(where);
      return { name: s3InstanceName(where), location, worker: WORKER, data };
    });
    super({ instances, clock, hasHolders: true });
  }
}
