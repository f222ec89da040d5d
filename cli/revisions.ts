// The history of a service: its ControllerRevisions, and which of them a rollback means. Pure but for the two reads.
import { isDeepStrictEqual } from 'node:util';
import type { ApiObject, Client } from '#controllers/machinery/client-types.ts';
import { CONTROLLER_REVISIONS, SERVICES } from '#controllers/machinery/resources.ts';
import { describedRevision } from '#controllers/service/described-revision.ts';
import { digestsOf, pinTemplate } from '#controllers/service/image-digests.ts';
import type { RevisionData } from '#controllers/service/types.ts';
import { CommandError } from './usage-error.ts';

/** On a ControllerRevision: the hash that the service's status names it by. */
const REVISION_LABEL = 'windlass.dev/revision';

export type Revision = ApiObject & {
  readonly revision: number;
  /** The part of the service that it remembers: `{spec: {template, …}}`. */
  readonly data?: { readonly spec?: Readonly<Record<string, unknown>> };
};

export type ServiceObject = ApiObject & {
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: {
    /** Hash of the revision that the spec describes. */
    readonly updateRevision?: string;
    readonly desiredReplicas?: number;
    readonly readyReplicas?: number;
  };
};

export interface History {
  readonly service: ServiceObject;
  /** Oldest first. */
  readonly revisions: readonly Revision[];
}

/** Reads a service and the revisions it owns. */
export async function readHistory(
  client: Client,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<History> {
  const service = await client.get<ServiceObject>(SERVICES, namespace, name, signal);
  const { items } = await client.list<Revision>(CONTROLLER_REVISIONS, { namespace }, signal);
  const { uid } = service.metadata;
  const revisions = items
    .filter((item) => (item.metadata.ownerReferences ?? []).some((owner) => owner.uid === uid))
    .toSorted((left, right) => left.revision - right.revision);
  return { service, revisions };
}

/** Whether it is the one that the service's spec describes. */
export function isCurrent(service: ServiceObject, revision: Revision): boolean {
  const hash = service.status?.updateRevision;
  return hash !== undefined && revision.metadata.labels?.[REVISION_LABEL] === hash;
}

/**
 * The revision to go back to: the one numbered `wanted`, else the newest before the one that is being rolled out.
 *
 * @throws CommandError that says which there are
 */
export function rollbackTarget(history: History, wanted: number | undefined): Revision {
  const { service, revisions } = history;
  const numbers = revisions.map(({ revision }) => revision).join(', ');
  const known = numbers === '' ? 'it has none' : `it has ${numbers}`;
  if (wanted !== undefined) {
    const target = revisions.find(({ revision }) => revision === wanted);
    if (target === undefined)
      throw new CommandError(
        `service ${service.metadata.name} has no revision ${wanted}: ${known}`,
        `windlass history ${service.metadata.name} lists them.`,
      );
    if (isCurrent(service, target))
      throw new CommandError(
        `revision ${wanted} is what service ${service.metadata.name} runs already`,
      );
    return target;
  }
  const target = revisions.findLast((revision) => !isCurrent(service, revision));
  if (target === undefined)
    throw new CommandError(
      `service ${service.metadata.name} has no earlier revision to go back to: ${known}`,
    );
  return target;
}

/** Beside the template, what a revision may remember. */
const PARTS = ['volumes', 'configs', 'secrets', 'engine'];

/** Which parts of the spec a revision changed, compared with the one before it. */
export function changedParts(revision: Revision, before: Revision | undefined): readonly string[] {
  if (before === undefined) return [];
  return ['template', ...PARTS].filter(
    (part) => !isDeepStrictEqual(revision.data?.spec?.[part], before.data?.spec?.[part]),
  );
}

/**
 * A merge patch that makes the service's revisioned fields those of `target`: fields that the newer spec added go away.
 */
export function rollbackPatch(history: History, target: Revision): { readonly spec: object } {
  const wanted = target.data?.spec ?? {};
  const spec: Record<string, unknown> = {};
  for (const field of ['template', ...PARTS]) {
    if (wanted[field] === undefined) continue;
    const value = field === 'template' ? templateOf(history, target) : wanted[field];
    spec[field] = replacing(history.service.spec?.[field], value);
  }
  for (const part of PARTS) {
    // What no revision remembers is not theirs to take away.
    const isRemembered = history.revisions.some(({ data }) => data?.spec?.[part] !== undefined);
    if (wanted[part] === undefined && isRemembered && history.service.spec?.[part] !== undefined)
      spec[part] = null;
  }
  return { spec };
}

/** With its digests where the template alone stands for a newer revision, one that tags had moved for. */
function templateOf({ revisions }: History, target: Revision): unknown {
  const { template, ...parts } = (target.data?.spec ?? {}) as Partial<RevisionData>;
  if (template === undefined) return undefined;
  const described = describedRevision({ template, ...parts }, revisions);
  return described === target ? template : pinTemplate(template, digestsOf(target));
}

/** A merge patch from `from` to exactly `to`. */
function replacing(from: unknown, to: unknown): unknown {
  if (!isFields(from) || !isFields(to)) return to;
  const patch: Record<string, unknown> = {};
  for (const field of Object.keys(from)) if (!Object.hasOwn(to, field)) patch[field] = null;
  for (const [field, value] of Object.entries(to)) patch[field] = replacing(from[field], value);
  return patch;
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
