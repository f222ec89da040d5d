// Which revision a template stands for, now that two of them may have one template and other bytes. Pure.
import { digestsOf, pinTemplate } from './image-digests.ts';
import type { ImageDigests } from './image-digests.ts';
import { templateHash } from './revision.ts';
import type { ControllerRevision } from './revision.ts';
import type { PodTemplate } from './types.ts';

/**
 * The revision that a template stands for, of several that differ in their digests only the newest. A template that names the digests
 * itself, as a rollback to an earlier one of those does, stands for that one.
 */
export function describedRevision(
  template: PodTemplate,
  revisions: readonly ControllerRevision[],
): ControllerRevision | undefined {
  const hash = templateHash(template);
  return revisions
    .filter((revision) => {
      const known = revision.data?.spec?.template;
      if (known === undefined) return false;
      return (
        templateHash(known) === hash ||
        templateHash(pinTemplate(known, digestsOf(revision))) === hash
      );
    })
    .toSorted((a, b) => b.revision - a.revision)[0];
}

/** Hash of the revision for a template whose tags have moved: another than that of the template alone, which is taken. */
export function repinnedHash(template: PodTemplate, digests: ImageDigests): string {
  return templateHash(pinTemplate(template, digests));
}
