// From objects as the API has them to what the planner is given. The controller reads them from its caches, a preview from a list or
// a file; both plan with the same. Pure.
import type { NodeFacts } from '../machinery/node-fit.ts';
import { instanceOf } from './instance.ts';
import type { Pod } from './instance.ts';
import type { PlanInput, RevisionFacts } from './plan-types.ts';
import { revisionChange, revisionFacts, templateHash } from './revision.ts';
import type { ControllerRevision } from './revision.ts';
import type { Settings } from './settings.ts';
import type { Service } from './types.ts';

export interface Observation {
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
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly watchingSince: number;
}

export function planInput(observation: Observation): PlanInput {
  const { settings, target, currentRevision, revisions, pods, nodes } = observation;
  const { now, watchingSince } = observation;
  const known = revisions.map(revisionFacts).filter((facts) => facts !== undefined);
  return {
    settings,
    target,
    current: known.find(({ hash }) => hash === currentRevision),
    templates: new Map(known.map(({ hash, template }) => [hash, template])),
    instances: pods.map((pod) => instanceOf(pod, nodes)),
    nodes: [...nodes.values()],
    now,
    watchingSince,
  };
}

/** The revision that a service's spec describes, as it will be once the controller has seen that spec. */
export function targetOf(
  service: Service,
  existing: readonly ControllerRevision[],
  now: number,
): RevisionFacts {
  const change = revisionChange(service, existing, now);
  const known = change.change === 'none' ? revisionFacts(change.revision) : undefined;
  const { template } = service.spec;
  return known ?? { hash: templateHash(template), template, activatedAt: now, failure: undefined };
}
