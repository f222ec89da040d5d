// Named volumes in the plan of one service: which must be made where, and which nodes that leaves. Pure.
import { mountedVolumes, templateClaims } from './revision-data.ts';
import { placementOf, withVolumes } from './placement.ts';
import type { Placement } from './placement.ts';
import type { Operation, PlanInput, RevisionFacts } from './plan-types.ts';
import type { ServiceMode } from './types.ts';
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
  const eligible = placement.eligible.map(({ name }) => name);
  const own = demandsFor(service, goal, settings.mode, eligible);
  if (own.length === 0) return { placement, operations: [] };
  // In order of name, so that each of them comes to the same places.
  const demands = [...volumePeers, ...own].toSorted((a, b) => (a.service < b.service ? -1 : 1));
  const { creates, allowed, problems } = placeVolumes(demands, claims);
  const mounted = new Set(
    own.flatMap(({ volumes }) => volumes.map(({ name, claimName = name }) => claimName)),
  );
  return {
    placement: withVolumes(placement, allowed.get(service) ?? new Set(), problems.get(service)),
    operations: creates
      .filter(({ claimName }) => mounted.has(claimName))
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

/** What a service wants of volumes that are kept on a node; empty when it wants none. */
export function volumeDemands(
  service: string,
  revision: RevisionFacts,
  settings: PlanInput['settings'],
  nodes: PlanInput['nodes'],
): readonly VolumeDemand[] {
  if (settings.mode === 'Replicated' && settings.replicas === 0) return [];
  const { eligible } = placementOf(revision.template, nodes, settings.placementNodes);
  const names = eligible.map(({ name }) => name);
  return demandsFor(service, revision, settings.mode, names);
}

function demandsFor(
  service: string,
  { data }: RevisionFacts,
  mode: ServiceMode,
  eligible: readonly string[],
): readonly VolumeDemand[] {
  const volumes = mountedVolumes(data);
  const claims = templateClaims(data.template).map((name) => ({ name, external: true }));
  return [
    ...(volumes.length === 0 ? [] : [{ service, mode, eligible, volumes }]),
    // One and the same claim for all instances, whatever the mode.
    ...(claims.length === 0
      ? []
      : [{ service, mode: 'Replicated' as const, eligible, volumes: claims, fromTemplate: true }]),
  ];
}
