// Named volumes in the plan of one service: which must be made where, and which nodes that leaves. Pure.
import { mountedVolumes } from './revision-data.ts';
import { placementOf, withVolumes } from './placement.ts';
import type { Placement } from './placement.ts';
import type { Operation, PlanInput, RevisionFacts } from './plan-types.ts';
import { placeVolumes } from './volume-placement.ts';
import type { VolumeDemand } from './volume-placement.ts';

export interface VolumesPlan {
  readonly placement: Placement;
  readonly operations: readonly Operation[];
}

/** @param placement volumes aside */
export function planVolumes(
  input: PlanInput,
  goal: RevisionFacts,
  placement: Placement,
): VolumesPlan {
  const { service, settings, claims, volumePeers } = input;
  const volumes = mountedVolumes(goal.data);
  if (volumes.length === 0) return { placement, operations: [] };
  const demand: VolumeDemand = {
    service,
    mode: settings.mode,
    eligible: placement.eligible.map(({ name }) => name),
    volumes,
  };
  // In order of name, so that each of them comes to the same places.
  const demands = [...volumePeers, demand].toSorted((a, b) => (a.service < b.service ? -1 : 1));
  const { creates, allowed, problems } = placeVolumes(demands, claims);
  const own = new Set(volumes.map(({ name, claimName = name }) => claimName));
  return {
    placement: withVolumes(placement, allowed.get(service) ?? new Set(), problems.get(service)),
    operations: creates
      .filter(({ claimName }) => own.has(claimName))
      .map((create) => ({
        op: 'createVolume',
        node: create.node,
        create,
        step: 'create',
        state: 'InProgress',
        reasons: [
          create.existing === undefined
            ? `volume ${create.claimName} does not exist${create.mode === 'Global' ? ` on ${create.node}` : ''}`
            : `volume ${create.claimName} has no node yet`,
        ],
      })),
  };
}

/** What a service wants of named volumes; `undefined` when it wants none. */
export function volumeDemand(
  service: string,
  revision: RevisionFacts,
  settings: PlanInput['settings'],
  nodes: PlanInput['nodes'],
): VolumeDemand | undefined {
  const volumes = mountedVolumes(revision.data);
  if (volumes.length === 0 || (settings.mode === 'Replicated' && settings.replicas === 0))
    return undefined;
  const { eligible } = placementOf(revision.template, nodes, settings.placementNodes);
  return {
    service,
    mode: settings.mode,
    eligible: eligible.map(({ name }) => name),
    volumes,
  };
}
