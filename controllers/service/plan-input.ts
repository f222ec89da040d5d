// From objects as the API has them to what the planner is given. The controller reads them from its caches, a preview from a list or
// a file; both plan with the same. Pure.
import type { NodeFacts } from '../machinery/node-fit.ts';
import { claimFacts } from './claims.ts';
import type { Claim } from './claims.ts';
import { circleOf, notReady } from './dependencies.ts';
import { hookFacts } from './hook-facts.ts';
import { instanceOf } from './instance.ts';
import type { Pod } from './instance.ts';
import type { PlanInput, RevisionFacts } from './plan-types.ts';
import { volumeDemands } from './plan-volumes.ts';
import { hasClaims, revisionDataOf } from './revision-data.ts';
import { revisionHash } from './revision-hash.ts';
import { plannedRevision, revisionChange, revisionFacts } from './revision.ts';
import type { ControllerRevision } from './revision.ts';
import { resolveSettings } from './settings.ts';
import type { Settings } from './settings.ts';
import { ABORT_ANNOTATION, HOOK_LABEL, PROMOTE_ANNOTATION } from './types.ts';
import type { Service } from './types.ts';
import type { VolumeDemand } from './volume-placement.ts';

export interface Observation {
  readonly service: Service;
  readonly settings: Settings;
  readonly target: RevisionFacts;
  /** Hash of the newest revision that was rolled out completely. */
  readonly currentRevision: string | undefined;
  /** The service's own. */
  readonly revisions: readonly ControllerRevision[];
  /** The service's own. */
  readonly pods: readonly Pod[];
  /** By name. */
  readonly nodes: ReadonlyMap<string, NodeFacts>;
  /** Of the namespace. */
  readonly claims: readonly Claim[];
  /** All services of the namespace. */
  readonly services: readonly Service[];
  readonly room?: PlanInput['room'];
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly watchingSince: number;
}

export function planInput(observation: Observation): PlanInput {
  const { service, settings, target, currentRevision, revisions, pods, nodes } = observation;
  const { now, watchingSince, services, room } = observation;
  const known = revisions.map(revisionFacts).filter((facts) => facts !== undefined);
  const allNodes = [...nodes.values()];
  const { annotations = {}, name } = service.metadata;
  const hooks = pods.filter(({ metadata }) => metadata.labels?.[HOOK_LABEL] !== undefined);
  const waitsFor = notReady(service, services);
  const instances = pods.filter(({ metadata }) => metadata.labels?.[HOOK_LABEL] === undefined);
  return {
    service: name,
    settings,
    target,
    current: known.find(({ hash }) => hash === currentRevision),
    revisions: new Map([...known, target].map((facts) => [facts.hash, facts])),
    instances: instances.map((pod) => instanceOf(pod, nodes)),
    hooks: hooks.map(hookFacts).filter((facts) => facts !== undefined),
    nodes: allNodes,
    claims: observation.claims.map(claimFacts),
    volumePeers: demandsOf(
      services.filter((other) => other.metadata.name !== name),
      allNodes,
    ),
    activeRevision: service.status?.activeRevision,
    promoted: annotations[PROMOTE_ANNOTATION],
    aborted: annotations[ABORT_ANNOTATION],
    waitsFor,
    waitCircle: waitsFor.length === 0 ? [] : circleOf(service, services),
    now,
    watchingSince,
    ...(room === undefined ? {} : { room }),
  };
}

/** What services want of named volumes. */
function demandsOf(
  services: readonly Service[],
  nodes: readonly NodeFacts[],
): readonly VolumeDemand[] {
  return services.flatMap((service) => {
    if (!hasClaims(service.spec)) return [];
    if (service.metadata.deletionTimestamp !== undefined) return [];
    const settings = resolveSettings(service);
    if ('problem' in settings) return [];
    const { name } = service.metadata;
    const revision = { ...plannedRevision(service.spec, '', name), activatedAt: 0 };
    return volumeDemands(name, revision, settings, nodes);
  });
}

/** The revision that a service's spec describes, as it will be once the controller has seen that spec. */
export function targetOf(
  service: Service,
  existing: readonly ControllerRevision[],
  secretVersions: ReadonlyMap<string, string>,
  now: number,
): RevisionFacts {
  const change = revisionChange(service, existing, now, secretVersions);
  const known = change.change === 'none' ? revisionFacts(change.revision) : undefined;
  const data = revisionDataOf(service.spec, secretVersions);
  const { name } = service.metadata;
  return known ?? { ...plannedRevision(data, revisionHash(data), name), activatedAt: now };
}
