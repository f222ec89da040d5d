// Are the resources of a running instance those that its template asks for? Pure.
import type { V1PodSpec } from '@kubernetes/client-node';
import { canonicalQuantity } from '../machinery/quantity.ts';
import type { PodTemplate } from './types.ts';

/** Container name → canonical text of its requests and limits. */
export type Resources = Readonly<Record<string, string>>;

export function resourcesOf({ containers }: Pick<V1PodSpec, 'containers'>): Resources {
  return Object.fromEntries(
    containers.map(({ name, resources }) => [name, resourcesText(resources)]),
  );
}

export function evaluateResources(actual: Resources, { spec }: PodTemplate): boolean {
  return spec.containers.every(({ name, resources }) => actual[name] === resourcesText(resources));
}

/** A request that is not stated is the limit, as upstream defaults it. */
export function resourcesText(
  resources:
    | {
        readonly requests?: Readonly<Record<string, string>>;
        readonly limits?: Readonly<Record<string, string>>;
      }
    | undefined,
): string {
  // Of the thousands of containers that ask for nothing.
  if (resources?.limits === undefined && resources?.requests === undefined) return '[[],[]]';
  const { limits = {}, requests = {} } = resources;
  const canonical = (amounts: Readonly<Record<string, string>>): readonly string[] =>
    Object.entries(amounts)
      .map(([name, amount]) => `${name}=${canonicalQuantity(amount)}`)
      .toSorted();
  return JSON.stringify([canonical({ ...limits, ...requests }), canonical(limits)]);
}
