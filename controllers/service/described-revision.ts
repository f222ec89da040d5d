// Which revision a spec stands for, now that two of them may differ in nothing but the bytes of their images. Pure.
import { digestsOf, pinTemplate } from './image-digests.ts';
import type { ImageDigests } from './image-digests.ts';
import { revisionHash } from './revision-hash.ts';
import type { RevisionData } from './types.ts';

/** A ControllerRevision, as far as it counts here. */
interface KeptRevision {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly revision: number;
  readonly data?: { readonly spec?: Partial<RevisionData> };
}

/**
 * The revision that a spec stands for, of several that differ in their digests only the newest. A template that names the digests
 * itself, as a rollback to an earlier one of those does, stands for that one.
 */
export function describedRevision<R extends KeptRevision>(
  data: RevisionData,
  revisions: readonly R[],
): R | undefined {
  const hash = revisionHash(data);
  return revisions
    .filter((revision) => {
      const { template, ...parts } = revision.data?.spec ?? {};
      if (template === undefined) return false;
      const known = { template, ...parts };
      return revisionHash(known) === hash || repinnedHash(known, digestsOf(revision)) === hash;
    })
    .toSorted((a, b) => b.revision - a.revision)[0];
}

/** Hash of the revision for a spec whose tags have moved: another than that of the spec alone, which is taken. */
export function repinnedHash(data: RevisionData, digests: ImageDigests): string {
  return revisionHash({ ...data, template: pinTemplate(data.template, digests) });
}
