// The history of a service: one ControllerRevision per template that it ever had. The hash of the template is its identity, so that
// going back to an earlier template finds the earlier revision, and the Pods that still run it are up to date again.
import { createHash } from 'node:crypto';
import type { ApiObject } from '../machinery/client-types.ts';
import { controllerReference } from '../machinery/owner-references.ts';
import { SERVICES } from '../machinery/resources.ts';
import { parseTimestamp, timestamp } from '../machinery/timestamps.ts';
import { normalizeTemplate } from './normalize.ts';
import type { RevisionFacts } from './plan-types.ts';
import {
  ACTIVATED_ANNOTATION,
  FAILURE_ANNOTATION,
  REVISION_LABEL,
  SERVICE_LABEL,
} from './types.ts';
import type { PodTemplate, Service } from './types.ts';

export interface ControllerRevision extends ApiObject {
  /** Grows by one each time the spec comes to describe this revision. */
  readonly revision: number;
  readonly data?: { readonly spec?: { readonly template?: PodTemplate } };
}

/** Kubernetes' alphabet for names: no vowels and no look-alikes, so that no hash spells a word. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** `length` characters of a SHA-256 over `text`, fit for names and labels. */
export function safeHash(text: string, length: number): string {
  const digest = createHash('sha256').update(text).digest();
  let hash = '';
  for (const byte of digest.subarray(0, length)) hash += ALPHABET.charAt(byte % ALPHABET.length);
  return hash;
}

/** The same for templates that mean the same. */
export function templateHash(template: PodTemplate): string {
  return safeHash(JSON.stringify(normalizeTemplate(template)), 10);
}

export function hashOf(revision: ControllerRevision): string {
  return revision.metadata.labels?.[REVISION_LABEL] ?? '';
}

/** As it is sent to be created. */
export interface NewRevision {
  readonly metadata: { readonly name: string };
  readonly data: { readonly spec: { readonly template: PodTemplate } };
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

/** Pure. @param now milliseconds since the epoch */
export function revisionChange(
  service: Service,
  existing: readonly ControllerRevision[],
  now: number,
): RevisionChange {
  const hash = templateHash(service.spec.template);
  const newest = Math.max(0, ...existing.map(({ revision }) => revision));
  const known = existing.find((revision) => hashOf(revision) === hash);
  if (known === undefined) {
    return { change: 'create', object: newRevision(service, hash, newest + 1, now) };
  }
  if (known.revision === newest) return { change: 'none', revision: known };
  const annotations = { [ACTIVATED_ANNOTATION]: timestamp(now), [FAILURE_ANNOTATION]: null };
  return {
    change: 'reactivate',
    revision: known,
    patch: { revision: newest + 1, metadata: { annotations } },
  };
}

function newRevision(service: Service, hash: string, number: number, now: number): NewRevision {
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
    data: { spec: { template: service.spec.template } },
    revision: number,
  };
}

/** The planner's view; `undefined` when the object holds no template. */
export function revisionFacts(revision: ControllerRevision): RevisionFacts | undefined {
  const template = revision.data?.spec?.template;
  if (template === undefined) return undefined;
  const { annotations, creationTimestamp } = revision.metadata;
  return {
    hash: hashOf(revision),
    template,
    activatedAt:
      parseTimestamp(annotations?.[ACTIVATED_ANNOTATION]) ?? parseTimestamp(creationTimestamp) ?? 0,
    failure: annotations?.[FAILURE_ANNOTATION],
  };
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
