// `spec.dependsOn`: for whom a service waits, and whether they wait for each other. Pure.
import type { Service } from './types.ts';

/**
 * @param services all of the namespace
 * @returns names of the services that it depends on and that are not ready, or not there
 */
export function notReady({ spec }: Service, services: readonly Service[]): readonly string[] {
  return (spec.dependsOn ?? []).filter((name) => {
    const { metadata, status } = services.find((one) => one.metadata.name === name) ?? {};
    if (metadata === undefined) return true;
    const isRead = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
    return !isRead || !isReady(status);
  });
}

function isReady(status: Service['status']): boolean {
  return status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') ?? false;
}

/** @returns the shortest way from the service through those that are not ready back to it, `[a, b, a]`; empty when there is none */
export function circleOf(service: Service, services: readonly Service[]): readonly string[] {
  const byName = new Map(services.map((one) => [one.metadata.name, one]));
  const { name } = service.metadata;
  const cameFrom = new Map<string, string>();
  const queue = [name];
  for (const at of queue) {
    const here = at === name ? service : byName.get(at);
    if (here === undefined) continue;
    for (const next of notReady(here, services)) {
      if (next === name) return [...wayTo(at, cameFrom), name];
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, at);
      queue.push(next);
    }
  }
  return [];
}

function wayTo(end: string, cameFrom: ReadonlyMap<string, string>): readonly string[] {
  const way = [end];
  for (let at = cameFrom.get(end); at !== undefined; at = cameFrom.get(at)) way.unshift(at);
  return way;
}
