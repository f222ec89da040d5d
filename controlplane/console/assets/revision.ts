// The history of a service, and what going back to one of its revisions writes. Pure.
import type { ApiObject } from './api-object.ts';
import { REVISION_LABEL } from './instance.ts';
import { isSame, replacing } from './merge-patch.ts';
import type { Fields } from './merge-patch.ts';
import type { Service } from './service.ts';

export interface Revision extends ApiObject {
  readonly revision?: number;
  readonly data?: { readonly spec?: Fields };
}

/** Beside the template, what a revision may remember. */
const PARTS = ['volumes', 'configs', 'secrets', 'engine'];

export function hashOfRevision({ metadata }: Revision): string {
  return metadata.labels?.[REVISION_LABEL] ?? '';
}

/** Newest first. */
export function sortedRevisions(revisions: readonly Revision[]): readonly Revision[] {
  return revisions.toSorted((left, right) => (right.revision ?? 0) - (left.revision ?? 0));
}

/** Indented, with its keys in order: what two revisions are compared by. */
export function revisionText({ data }: Revision): string {
  return `${JSON.stringify(ordered(data?.spec ?? {}), undefined, 2)}\n`;
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, ordered(inner)]));
}

/**
 * A merge patch that makes what a revision remembers of the service that of `target`. Undefined: a newer revision has the same text with
 * other images behind its tags, and only the command line can pin those.
 */
export function rollbackPatch(
  { spec }: Service,
  revisions: readonly Revision[],
  target: Revision,
): Fields | undefined {
  const wanted = target.data?.spec ?? {};
  const isAmbiguous = revisions.some(
    (other) => hashOfRevision(other) !== hashOfRevision(target) && isSame(other.data?.spec, wanted),
  );
  if (isAmbiguous) return undefined;
  const current = spec as unknown as Fields;
  const patch: Record<string, unknown> = {};
  for (const part of ['template', ...PARTS]) {
    if (wanted[part] !== undefined) patch[part] = replacing(current[part], wanted[part]);
    // What no revision remembers is not theirs to take away.
    else if (
      current[part] !== undefined &&
      revisions.some(({ data }) => data?.spec?.[part] !== undefined)
    )
      patch[part] = null;
  }
  return patch;
}
