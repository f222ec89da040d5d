// What RateLoad is told, and what it and its thread say to each other.
export interface RateLoadOptions {
  /** `http://127.0.0.1:8080` */
  readonly origin: string;
  readonly perSecond: number;
  /** Goes on until this many are sent, and until finish() is called. */
  readonly atLeast: number;
}

export interface LoadResult {
  readonly sent: number;
  readonly answered: number;
  /** Kind of request and what went wrong, with the second in which it was sent. */
  readonly failures: readonly string[];
  readonly slowAnswered: number;
  /** Seconds from the first to the last one sent. */
  readonly seconds: number;
  /** Names that answers began with, and how often: which instances took part. */
  readonly bodies: Readonly<Record<string, number>>;
  /** Of those that are not slow on purpose, in milliseconds from when each was due. */
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number };
}

export type LoadMessage =
  | { readonly type: 'progress'; readonly sent: number; readonly failed: number }
  | { readonly type: 'result'; readonly result: LoadResult };
