// What came of bringing an artifact. A leaf: types only.
import type { ArtifactFailure } from '../binaries/artifact-error.ts';

export type Outcome =
  /** The hosts have it. */
  | { readonly state: 'existing' }
  /** Hosts fetch it themselves, and could. */
  | {
      readonly state: 'reachable';
      readonly digest: string;
      readonly cacheKey: string;
      readonly source: string;
    }
  /** In the store, verified. */
  | {
      readonly state: 'cached';
      readonly digest: string;
      readonly size: number;
      readonly cacheKey: string;
      /** Undefined: it was there before. */
      readonly source: string | undefined;
    }
  | {
      readonly state: 'failed';
      /** In finding the digest, or in getting the bytes. */
      readonly stage: 'resolve' | 'fetch';
      readonly failure: ArtifactFailure;
      readonly message: string;
      readonly retryAfterMs: number | undefined;
      readonly cacheKey: string | undefined;
    };
