// What is to be kept: what Artifacts have now, what they retain, of images every part, and what lies on machines: they may want it again.
import type { ArtifactStore } from '../binaries/artifact-store.ts';
import { parseDigest } from '../binaries/digest.ts';
import { imageClosure } from './image-closure.ts';
import type { ArtifactUser } from './artifact-users.ts';
import type { Artifact } from './types.ts';

/** In hex. */
export async function keptDigests(
  store: ArtifactStore,
  artifacts: readonly Artifact[],
  machines: readonly Pick<ArtifactUser, 'status'>[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const staged = machines.flatMap(({ status }) => status?.staged ?? []);
  const keep = new Set(staged.flatMap(({ digest }) => parseDigest(digest ?? '') ?? []));
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
