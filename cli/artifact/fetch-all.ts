// Fetches the Artifacts of files into a store, one line each.
import { bringArtifact } from '#controllers/artifact/bring-artifact.ts';
import { imageClosure } from '#controllers/artifact/image-closure.ts';
import type { ArtifactParts } from '#controllers/artifact/parts.ts';
import type { ArtifactToBundle } from '#controllers/binaries/write-bundle.ts';
import type { Progress } from '../progress.ts';
import { sizeText } from '../image/size-text.ts';
import type { ArtifactFiles, ArtifactInFile } from './artifact-manifests.ts';

export interface FetchedAll {
  readonly fetched: readonly (ArtifactToBundle & {
    readonly size: number;
    readonly source: string | undefined;
  })[];
  /** Name → why. */
  readonly failed: readonly {
    readonly name: string;
    readonly reason: string;
    readonly message: string;
  }[];
}

/** One after the other, in the order of the files. @throws the signal's reason */
export async function fetchAll(
  { artifacts }: ArtifactFiles,
  parts: ArtifactParts,
  progress: Progress,
  signal: AbortSignal,
): Promise<FetchedAll> {
  const fetched: FetchedAll['fetched'][number][] = [];
  const failed: FetchedAll['failed'][number][] = [];
  for (const artifact of artifacts) {
    const { namespace, name, spec } = artifact;
    // To have it here is the point, however hosts would get it.
    const request = { namespace, spec: { ...spec, delivery: deliveryOf(artifact) } };
    const outcome = await bringArtifact(parts.bring, request, {
      signal,
      onProgress: (bytes, total) => progress.update(name, barOf(name, bytes, total)),
    });
    switch (outcome.state) {
      case 'failed':
        failed.push({ name, reason: outcome.failure, message: outcome.message });
        progress.update(name, `${name}: ${outcome.failure}: ${outcome.message}`);
        break;
      case 'cached': {
        const { digest, size, cacheKey, source } = outcome;
        const isImage = spec.type === 'OCIImage';
        const all = isImage ? await imageClosure(parts.store, digest, signal) : [digest];
        fetched.push({ namespace, name, digest, cacheKey, parts: all, size, source });
        const from = source === undefined ? 'there already' : `from ${source}`;
        progress.update(name, `${name}: sha256:${digest}, ${sizeText(size)}, ${from}`);
        break;
      }
      default:
        progress.update(name, `${name}: the hosts have it, nothing to fetch`);
    }
  }
  progress.freeze();
  return { fetched, failed };
}

function deliveryOf({ spec }: ArtifactInFile): 'Existing' | 'Upload' {
  return spec.delivery === 'Existing' ? 'Existing' : 'Upload';
}

function barOf(name: string, bytes: number, total: number | undefined): string {
  const of = total === undefined ? '' : ` of ${sizeText(total)}`;
  return `${name}: ${sizeText(bytes)}${of}`;
}
