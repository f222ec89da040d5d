// What roots are made of comes out of the store of artifacts: fetched once for however many machines, compared with its digest before
// it gets a name, gone on with after a cut or a crash. And the digest that a publisher gives beside a file.
import { ArtifactError } from '../binaries/artifact-error.ts';
import type { ArtifactFetcher } from '../binaries/artifact-fetcher.ts';
import { httpSource } from '../binaries/artifact-source.ts';
import type { StoredArtifact } from '../binaries/artifact-store.ts';
import { parseDigest } from '../binaries/digest.ts';
import { redactURL } from '../binaries/redact-url.ts';

/** Of one file. */
const FILE_BYTES = 2 ** 30;
/** Lists of many files, signed: runc publishes one. */
const LIST_BYTES = 16 << 10;

export interface PublishedFile {
  readonly url: string;
  /** From the spec; goes before what is published. */
  readonly given: string | undefined;
  /** Of the text beside the file; absolute from its folder when it begins with a slash. */
  readonly suffix: string;
  /** Where a digest can be given. */
  readonly field: string;
}

/** In the store and verified when it resolves. @param sha256 lower-case hex. @throws ArtifactError, or the signal's reason */
export function bringFile(
  fetcher: ArtifactFetcher,
  { url, sha256 }: { readonly url: string; readonly sha256: string },
  signal: AbortSignal,
): Promise<StoredArtifact> {
  const sources = [httpSource(fetcher.http, { url })];
  return fetcher.ensure({ digest: { sha256 }, sources, limitBytes: FILE_BYTES }, { signal });
}

/**
 * What a file must be, in lower-case hex: the digest that was given, else the published one.
 *
 * @throws Error when there is none: nothing is installed unchecked
 */
export async function wantedDigest(
  fetcher: ArtifactFetcher,
  { url, given, suffix, field }: PublishedFile,
  signal: AbortSignal,
): Promise<string> {
  const own = parseDigest(given ?? '');
  if (own !== undefined) return own;
  if (given !== undefined) throw new Error(`${field} must have 64 hexadecimal digits`);
  const file = new URL(url);
  const name = file.pathname.slice(file.pathname.lastIndexOf('/') + 1);
  const beside = new URL(url);
  beside.pathname = suffix.startsWith('/')
    ? `${file.pathname.slice(0, file.pathname.lastIndexOf('/'))}${suffix}`
    : `${file.pathname}${suffix}`;
  const sha256From = { url: beside.href, limitBytes: LIST_BYTES };
  try {
    return await fetcher.digestOf({ sha256From }, decodeURIComponent(name), { signal });
  } catch (error) {
    const failure = error instanceof ArtifactError ? error.failure : undefined;
    if (failure !== 'NotFound' && failure !== 'Invalid') throw error;
    const what = failure === 'NotFound' ? 'there is no' : 'there is no usable';
    const hint = `give it in ${field}`;
    throw new Error(`${redactURL(url)}: ${what} SHA-256 at ${redactURL(beside)}; ${hint}`, {
      cause: error,
    });
  }
}
