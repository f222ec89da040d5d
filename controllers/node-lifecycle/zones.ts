// How bad is it? One silent machine is a dead machine; many silent machines at once are more likely a network that is cut, and moving
// everything would make it worse. Pure. Zones, thresholds and rates are those of upstream's node life cycle.

/** `PartialDisruption`: more than half of a zone, and more than two nodes. `FullDisruption`: all of it. */
export type ZoneState = 'Normal' | 'PartialDisruption' | 'FullDisruption';

export interface ZonedNode {
  readonly zone: string;
  readonly ready: boolean;
}

export interface Zone {
  readonly state: ZoneState;
  readonly size: number;
  readonly unready: number;
}

const UNHEALTHY_SHARE = 0.55;
const LARGE_ZONE = 50;
const USUAL_PACE_MS = 10_000;
const SLOW_PACE_MS = 100_000;

const REGION_LABEL = 'topology.kubernetes.io/region';
const ZONE_LABEL = 'topology.kubernetes.io/zone';

/** '' for nodes that say nothing of where they are: together they are one zone. */
export function zoneOf(labels: Readonly<Record<string, string>> = {}): string {
  const region = labels[REGION_LABEL] ?? '';
  const zone = labels[ZONE_LABEL] ?? '';
  return region === '' || zone === '' ? region + zone : `${region}/${zone}`;
}

export function zonesOf(nodes: Iterable<ZonedNode>): ReadonlyMap<string, Zone> {
  const counts = new Map<string, { size: number; unready: number }>();
  for (const { zone, ready } of nodes) {
    const count = counts.get(zone) ?? { size: 0, unready: 0 };
    count.size += 1;
    if (!ready) count.unready += 1;
    counts.set(zone, count);
  }
  return new Map([...counts].map(([zone, count]) => [zone, { ...count, state: stateOf(count) }]));
}

function stateOf({
  size,
  unready,
}: {
  readonly size: number;
  readonly unready: number;
}): ZoneState {
  if (unready === size) return 'FullDisruption';
  return unready > 2 && unready / size >= UNHEALTHY_SHARE ? 'PartialDisruption' : 'Normal';
}

/** No node anywhere answers: it is us who are cut off, and nothing is known about any of them. */
export function isBlackout(zones: ReadonlyMap<string, Zone>): boolean {
  return zones.size > 0 && [...zones.values()].every(({ state }) => state === 'FullDisruption');
}

/** Milliseconds between two nodes of a zone that are given up; Infinity: none is. */
export function paceMs({ state, size }: Zone): number {
  if (state !== 'PartialDisruption') return USUAL_PACE_MS;
  return size > LARGE_ZONE ? SLOW_PACE_MS : Number.POSITIVE_INFINITY;
}

/** Lets one node of a zone pass, then none for a while. */
export class Pace {
  readonly #nextAt = new Map<string, number>();

  /** @param now on any clock that only goes forward, in milliseconds. @returns 0, or how long to wait (Infinity: for a change) */
  take(zone: string, intervalMs: number, now: number): number {
    if (!Number.isFinite(intervalMs)) return intervalMs;
    const left = (this.#nextAt.get(zone) ?? now) - now;
    if (left > 0) return left;
    this.#nextAt.set(zone, now + intervalMs);
    return 0;
  }
}
