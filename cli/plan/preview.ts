// What applying a service would do, decided by the service controller's own planner over objects that were read from a server or from
// a file. Pure.
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import { nodeFacts } from '#controllers/machinery/node-fit.ts';
import type { NodeObject } from '#controllers/machinery/node-fit.ts';
import type { Claim } from '#controllers/service/claims.ts';
import type { Pod } from '#controllers/service/instance.ts';
import type { ImageDigests } from '#controllers/service/image-digests.ts';
import { planInput, targetOf } from '#controllers/service/plan-input.ts';
import { planRollout } from '#controllers/service/plan-rollout.ts';
import type { RolloutOperation } from '#controllers/service/plan-rollout.ts';
import { hashOf, revisionFacts } from '#controllers/service/revision.ts';
import type { ControllerRevision } from '#controllers/service/revision.ts';
import { plannedClaim } from '#controllers/service/planned-claim.ts';
import { resolveSettings } from '#controllers/service/settings.ts';
import type { Service } from '#controllers/service/types.ts';
import { CommandError } from '../usage-error.ts';

/** What is there. */
export interface World {
  readonly nodes: readonly (ApiObject & NodeObject)[];
  readonly pods: readonly Pod[];
  readonly revisions: readonly ControllerRevision[];
  readonly claims: readonly Claim[];
  /** All that are there, and all that are planned with this one. */
  readonly services: readonly Service[];
  /** Versions of the Secrets of the namespace, by name. */
  readonly secretVersions: ReadonlyMap<string, string>;
}

export interface PreviewOptions {
  /** The service as it is; undefined when there is none, or none was recorded. */
  readonly before: Service | undefined;
  /** The service as it will be. */
  readonly after: Service;
  readonly world: World;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Whether to go by names where `before` is undefined because nobody recorded it. */
  readonly byName?: boolean;
}

export interface ServicePreview {
  readonly before: Service | undefined;
  readonly after: Service;
  /** Whether there is such a service already. */
  readonly exists: boolean;
  /** uid of the service; null while it has none. */
  readonly serviceID: string | null;
  readonly operations: readonly RolloutOperation[];
  /** Why not all of it will be carried out. */
  readonly held: string | undefined;
  /** Why no machine will do; '' when one does. */
  readonly problem: string;
  /** Volumes that it makes: they are there for services that are planned after it. */
  readonly claims: readonly Claim[];
  /** What its images stand for, where it has been rolled out with this template before. */
  readonly digests: ImageDigests | undefined;
  /** Images, in their full form, whose registries are asked again when it is deployed: what they say is not known before. */
  readonly lookups: readonly string[];
}

/** @throws CommandError when the controller would refuse the spec */
export function previewService(options: PreviewOptions): ServicePreview {
  const { before, after, world, now, byName = false } = options;
  const settings = resolveSettings(after);
  if ('problem' in settings) {
    throw new CommandError(`service ${after.metadata.name}: ${settings.problem}`);
  }
  refuseOtherMode(before, after);
  const isOwn = ownedBy(before?.metadata.uid, after, byName);
  const pods = world.pods.filter(isOwn);
  const revisions = world.revisions.filter(isOwn);
  const { namespace = 'default' } = after.metadata;
  const isNear = ({ metadata }: ApiObject): boolean =>
    (metadata.namespace ?? 'default') === namespace;
  const input = planInput({
    service: after,
    settings,
    target: targetOf(after, revisions, world.secretVersions, now),
    currentRevision: before === undefined ? newestGood(revisions) : before.status?.currentRevision,
    revisions,
    pods,
    claims: world.claims.filter(isNear),
    services: world.services.filter(isNear),
    nodes: new Map(world.nodes.map((node) => [node.metadata.name, nodeFacts(node)])),
    now,
    // Which deadlines have passed is known to whoever has been watching: the controller, which says it in the status.
    watchingSince: now,
  });
  const { operations, held, problem, volumes } = planRollout(input);
  const recorded = [...pods, ...revisions].flatMap(
    ({ metadata }) => metadata.ownerReferences ?? [],
  );
  const owner = recorded.find(
    ({ kind, name }) => kind === 'Service' && name === after.metadata.name,
  );
  return {
    before,
    after,
    exists: before !== undefined || pods.length + revisions.length > 0,
    serviceID: before?.metadata.uid ?? owner?.uid ?? null,
    operations,
    held: failureOf(before, input.target.hash) ?? held,
    problem,
    claims: volumes.map((volume) => plannedClaim(volume, namespace)),
    digests: revisions.some((one) => hashOf(one) === input.target.hash)
      ? input.target.digests
      : undefined,
    lookups: [],
  };
}

/** Its volumes would be others; the server refuses it too. */
function refuseOtherMode(before: Service | undefined, after: Service): void {
  const [was, is] = [before, after].map((service) => service?.spec.mode ?? 'Replicated');
  if (before === undefined || was === is) return;
  throw new CommandError(
    `service ${after.metadata.name}: service mode cannot be changed, from ${was} to ${is}`,
    'Delete it first, or give the new one another name.',
  );
}

/** Whether an object belongs to the service. */
function ownedBy(
  uid: string | undefined,
  after: Service,
  byName: boolean,
): (object: ApiObject) => boolean {
  const { name, namespace = 'default' } = after.metadata;
  const isOwner = (
    owner: NonNullable<ApiObject['metadata']['ownerReferences']>[number],
  ): boolean => {
    if (uid !== undefined) return owner.uid === uid;
    return (
      byName &&
      owner.kind === 'Service' &&
      owner.apiVersion.startsWith('windlass.dev/') &&
      owner.name === name
    );
  };
  return ({ metadata }) =>
    (metadata.namespace ?? 'default') === namespace &&
    (metadata.ownerReferences ?? []).some(isOwner);
}

/** Without the service itself nothing says which revision was rolled out: most likely the newest that did not fail. */
function newestGood(revisions: readonly ControllerRevision[]): string | undefined {
  const good = revisions
    .filter((revision) => revisionFacts(revision)?.failure === undefined)
    .toSorted((a, b) => a.revision - b.revision)
    .at(-1);
  return good === undefined ? undefined : hashOf(good);
}

/** The controller gave the rollout of this very revision up. */
function failureOf(before: Service | undefined, target: string): string | undefined {
  const { status } = before ?? {};
  if (status?.updateRevision !== target) return undefined;
  const progressing = status.conditions?.find(({ type }) => type === 'Progressing');
  return progressing?.status === 'False' ? progressing.message : undefined;
}
