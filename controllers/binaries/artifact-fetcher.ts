// Brings artifacts into the store: finds out the published digest, then asks the sources in order until one has the bytes for it.
import { ArtifactError } from './artifact-error.ts';
import type { ArtifactSource } from './artifact-source.ts';
import type { ArtifactStore, StoredArtifact } from './artifact-store.ts';
import { CHECKSUM_FILE_LIMIT_BYTES, parseChecksumFile } from './checksum-file.ts';
import { parseDigest } from './digest.ts';
import { isTransient } from './http-answer.ts';
import type { Headers } from './http-answer.ts';
import type { FetchContext, HttpFetcher } from './http-fetcher.ts';
import type { PartialFile } from './partial-file.ts';
import { redactURL } from './redact-url.ts';

/** What the publisher says that the bytes are: the digest itself, or where it stands. */
export type PublishedDigest =
  | { readonly sha256: string }
  | {
      readonly sha256From: {
        readonly url: string;
        readonly headers?: Headers;
        /** Of the text; 1 KiB by default. */
        readonly limitBytes?: number;
      };
    };

export interface WantedArtifact {
  readonly digest: PublishedDigest;
  /** Asked in this order. */
  readonly sources: readonly ArtifactSource[];
  /** Largest size; 4 GiB by default. */
  readonly limitBytes?: number;
  /** Its line in a checksum file of several. */
  readonly fileName?: string;
}

export interface FetchedArtifact extends StoredArtifact {
  /** Name of the source; undefined: it was in the store. */
  readonly source: string | undefined;
}

export interface FetchOutcome {
  readonly result: 'hit' | 'fetched' | 'mismatch' | 'failed';
  readonly bytes: number;
}

const LIMIT_BYTES = 4 * 2 ** 30;

export class ArtifactFetcher {
  readonly #store: ArtifactStore;
  readonly #http: HttpFetcher;
  readonly #observe: (outcome: FetchOutcome) => void;
  /** What was asked when this came of it. */
  readonly #asked = new WeakMap<ArtifactError, string | undefined>();

  /** @param observe told of each attempt at a source, and of each hit */
  constructor(
    store: ArtifactStore,
    http: HttpFetcher,
    observe: (outcome: FetchOutcome) => void = () => undefined,
  ) {
    this.#store = store;
    this.#http = http;
    this.#observe = observe;
  }

  get store(): ArtifactStore {
    return this.#store;
  }

  get http(): HttpFetcher {
    return this.#http;
  }

  /** Lower-case hex. @throws ArtifactError, or the signal's reason */
  async digestOf(
    published: PublishedDigest,
    fileName: string,
    context: FetchContext,
  ): Promise<string> {
    if ('sha256' in published) {
      const hex = parseDigest(published.sha256);
      if (hex !== undefined) return hex;
      throw new ArtifactError('Invalid', 'sha256 must have 64 hexadecimal digits');
    }
    const { sha256From } = published;
    const where = redactURL(sha256From.url);
    const limited = { limitBytes: CHECKSUM_FILE_LIMIT_BYTES, ...sha256From };
    const text = await this.#http.text(limited, { signal: context.signal });
    return parseChecksumFile(text, fileName, where);
  }

  /**
   * In the store and verified when it resolves; at once when it was there before. One is fetched at a time for each digest: when somebody
   * else's sources fail, one's own are asked next.
   *
   * @throws ArtifactError of the source that failed last in the gravest way, naming all; the signal's reason
   */
  async ensure(wanted: WantedArtifact, context: FetchContext): Promise<FetchedArtifact> {
    const digest = await this.digestOf(wanted.digest, wanted.fileName ?? '', context);
    const question = questionOf(wanted);
    for (;;) {
      let isOwn = false;
      let source: string | undefined;
      try {
        const stored = await this.#store.obtain(
          digest,
          async (partial, signal) => {
            isOwn = true;
            source = await this.#fill(digest, wanted, partial, { ...context, signal });
          },
          context.signal,
        );
        if (source === undefined) this.#observe({ result: 'hit', bytes: 0 });
        return { ...stored, source };
      } catch (error) {
        if (isOwn || !(error instanceof ArtifactError) || !this.#asked.has(error)) throw error;
        if (question !== undefined && this.#asked.get(error) === question) throw error;
      }
    }
  }

  async #fill(
    digest: string,
    wanted: WantedArtifact,
    partial: PartialFile,
    context: FetchContext,
  ): Promise<string> {
    const { sources, limitBytes = LIMIT_BYTES } = wanted;
    const failures: ArtifactError[] = [];
    for (const source of sources) {
      const before = partial.size;
      try {
        await fillVerified(digest, source, limitBytes, partial, context);
        this.#observe({ result: 'fetched', bytes: Math.max(0, partial.size - before) });
        return source.name;
      } catch (error) {
        const isMismatch = error instanceof ArtifactError && error.failure === 'ChecksumMismatch';
        const bytes = Math.max(0, partial.size - before);
        this.#observe({ result: isMismatch ? 'mismatch' : 'failed', bytes });
        if (!(error instanceof ArtifactError) || error.failure.startsWith('Storage')) throw error;
        failures.push(error);
        // What one source left is no beginning for the next one.
        if (isMismatch || !isTransient(error)) await partial.begin();
      }
    }
    const failure = together(failures);
    this.#asked.set(failure, questionOf(wanted));
    throw failure;
  }
}

/** Whoever asks the same gets the same answer. Undefined: nobody else asks that. */
function questionOf({ sources, limitBytes }: WantedArtifact): string | undefined {
  const identities = sources.map(({ identity }) => identity);
  return identities.includes(undefined) ? undefined : JSON.stringify([identities, limitBytes]);
}

/** Bytes that were continued may be of two files: then once more, from the beginning. */
async function fillVerified(
  digest: string,
  source: ArtifactSource,
  limitBytes: number,
  partial: PartialFile,
  context: FetchContext,
): Promise<void> {
  const wasBegun = partial.size > 0;
  await source.fill(partial, limitBytes, context);
  if (partial.digest === digest) return;
  if (wasBegun) {
    await partial.begin();
    await source.fill(partial, limitBytes, context);
    if (partial.digest === digest) return;
  }
  throw new ArtifactError(
    'ChecksumMismatch',
    `${source.name}: SHA-256 is ${partial.digest}, and should be ${digest}; nothing was replaced`,
  );
}

/** A mismatch is what somebody must look at; then what may pass by itself; then the rest. */
function together(failures: readonly ArtifactError[]): ArtifactError {
  const gravest =
    failures.find(({ failure }) => failure === 'ChecksumMismatch') ??
    failures.find(isTransient) ??
    failures.at(-1);
  if (gravest === undefined)
    return new ArtifactError('Invalid', 'there is no source to fetch from');
  if (failures.length === 1) return gravest;
  // One that asks for a long pause does not stop the others from being asked again soon.
  const waits = failures.filter(isTransient).map(({ retryAfterMs = 0 }) => retryAfterMs);
  const retryAfterMs = waits.length === 0 ? 0 : Math.min(...waits);
  return new ArtifactError(
    gravest.failure,
    failures.map(({ message }) => message).join('; '),
    retryAfterMs === 0 ? {} : { retryAfterMs },
  );
}
