// The history of a service: one ControllerRevision per template that it ever had. The hash of the template is its identity, so that
// going back to an earlier template finds the earlier revision, and the Pods that still run it are up to date again.
import type { ApiObject } from '../machinery/client-types.ts';
import { controllerReference } from '../machinery/owner-references.ts';
import { SERVICES } from '../machinery/resources.ts';
import { parseTimestamp, timestamp } from '../machinery/timestamps.ts';
import { describedRevision } from './described-revision.ts';
import { digestsOf, pinTemplate } from './image-digests.ts';
import type { ImageDigests } from './image-digests.ts';
import type { HookResult, RevisionFacts } from './plan-types.ts';
import { renderTemplate } from './render.ts';
import { revisionDataOf } from './revision-data.ts';
import { revisionHash } from './revision-hash.ts';
import {
  ACTIVATED_ANNOTATION,
  FAILURE_ANNOTATION,
  HOOK_ANNOTATIONS,
  REVISION_LABEL,
  SERVICE_LABEL,
  SWITCHED_ANNOTATION,
} from './types.ts';
import type { RevisionData, Service } from './types.ts';

export interface ControllerRevision extends ApiObject {
  /** Grows by one each time the spec comes to describe this revision. */
  readonly revision: number;
  readonly data?: { readonly spec?: Partial<RevisionData> };
}

export function hashOf(revision: ControllerRevision): string {
  return revision.metadata.labels?.[REVISION_LABEL] ?? '';
}

/** As it is sent to be created. */
export interface NewRevision {
  readonly metadata: {
    readonly name: string;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly data: { readonly spec: RevisionData };
  readonly revision: number;
}

/** What must be written so that the newest revision is the one that the spec describes. */
export type RevisionChange =
  | { readonly change: 'none'; readonly revision: ControllerRevision }
  | { readonly change: 'create'; readonly object: NewRevision }
  /** It was described before, and is again: it gets the newest number and a fresh start. */
  | {
      readonly change: 'reactivate';
      readonly revision: ControllerRevision;
      readonly patch: object;
    };

/**
 * Pure.
 *
 * @param now milliseconds since the epoch
 * @param secretVersions of the Secrets that are there, by name
 */
export function revisionChange(
  service: Service,
  existing: readonly ControllerRevision[],
  now: number,
  secretVersions: ReadonlyMap<string, string>,
): RevisionChange {
  const data = revisionDataOf(service.spec, secretVersions);
  const newest = newestNumber(existing);
  const known = describedRevision(data, existing);
  if (known === undefined) {
    const object = newRevision(service, data, revisionHash(data), newest + 1, now);
    return { change: 'create', object };
  }
  if (known.revision === newest) return { change: 'none', revision: known };
  return { change: 'reactivate', revision: known, patch: reactivation(newest + 1, now) };
}

/** A fresh start as the newest revision: what happened when it was tried before does not count. @returns a merge patch */
export function reactivation(
  number: number,
  now: number,
  annotations: Readonly<Record<string, string>> = {},
): object {
  return {
    revision: number,
    metadata: {
      annotations: {
        ...annotations,
        [ACTIVATED_ANNOTATION]: timestamp(now),
        [FAILURE_ANNOTATION]: null,
        [SWITCHED_ANNOTATION]: null,
        [HOOK_ANNOTATIONS.preDeploy]: null,
        [HOOK_ANNOTATIONS.postDeploy]: null,
      },
    },
  };
}

/** @param number greater than those of all revisions so far */
export function newRevision(
  service: Service,
  data: RevisionData,
  hash: string,
  number: number,
  now: number,
): NewRevision {
  const { name, namespace } = service.metadata;
  const metadata = {
    name: `${name}-${hash}`,
    namespace,
    labels: { [SERVICE_LABEL]: name, [REVISION_LABEL]: hash },
    annotations: { [ACTIVATED_ANNOTATION]: timestamp(now) },
    ownerReferences: [controllerReference(SERVICES, service)],
  };
  return {
    metadata,
    data: { spec: data },
    revision: number,
  };
}

export function newestNumber(existing: readonly ControllerRevision[]): number {
  return Math.max(0, ...existing.map(({ revision }) => revision));
}

/** The planner's view; `undefined` when the object holds no template. */
export function revisionFacts(revision: ControllerRevision): RevisionFacts | undefined {
  const { template, ...parts } = revision.data?.spec ?? {};
  if (template === undefined) return undefined;
  const { annotations = {}, creationTimestamp, labels } = revision.metadata;
  const data = { template, ...parts };
  const switchedAt = parseTimestamp(annotations[SWITCHED_ANNOTATION]);
  return {
    ...plannedRevision(data, hashOf(revision), labels?.[SERVICE_LABEL] ?? '', digestsOf(revision)),
    activatedAt:
      parseTimestamp(annotations[ACTIVATED_ANNOTATION]) ?? parseTimestamp(creationTimestamp) ?? 0,
    failure: annotations[FAILURE_ANNOTATION],
    hookResults: {
      preDeploy: hookResult(annotations[HOOK_ANNOTATIONS.preDeploy]),
      postDeploy: hookResult(annotations[HOOK_ANNOTATIONS.postDeploy]),
    },
    switchedAt,
  };
}

/** A revision that nothing has happened to yet. */
export function plannedRevision(
  data: RevisionData,
  hash: string,
  serviceName: string,
  digests: ImageDigests = new Map(),
): Omit<RevisionFacts, 'activatedAt'> {
  const pinned = { ...data, template: pinTemplate(data.template, digests) };
  return {
    hash,
    data,
    digests,
    template: renderTemplate(pinned, serviceName),
    failure: undefined,
    hookResults: { preDeploy: undefined, postDeploy: undefined },
    switchedAt: undefined,
  };
}

function hookResult(text: string | undefined): HookResult | undefined {
  return text === 'Succeeded' || text === 'Failed' ? text : undefined;
}

/** The oldest revisions beyond the limit that neither a Pod nor a rollout needs. */
export function obsoleteRevisions(
  existing: readonly ControllerRevision[],
  inUse: ReadonlySet<string>,
  limit: number,
): readonly ControllerRevision[] {
  const idle = existing
    .filter((revision) => !inUse.has(hashOf(revision)))
    .toSorted((a, b) => a.revision - b.revision);
  return idle.slice(0, Math.max(0, idle.length - limit));
}
