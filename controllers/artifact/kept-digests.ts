// What Artifacts want to be kept: what they have now, what they retain, and of images every part.
import type { ArtifactStore } from '../binaries/artifact-store.ts';
import { parseDigest } from '../binaries/digest.ts';
import { imageClosure } from './image-closure.ts';
import type { Artifact } from './types.ts';

/** In hex. */
export async function keptDigests(
  store: ArtifactStore,
  artifacts: readonly Artifact[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const keep = new Set<string>();
  for (const { spec, status } of artifacts) {
    for (const { digest } of [status ?? {}, ...(status?.retained ?? [])]) {
      const hex = parseDigest(digest ?? '');
      if (hex === undefined) continue;
      keep.add(hex);
      if (spec.type === 'OCIImage')
        for (const part of await imageClosure(store, hex, signal)) keep.add(part);
    }
  }
  return keep;
}
