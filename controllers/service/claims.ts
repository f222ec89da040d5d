// Named volumes as the API has them: PersistentVolumeClaims that are kept on one node. Pure.
import type { V1PersistentVolumeClaimSpec } from '@kubernetes/client-node';
import type { ApiObject } from '../machinery/client-types.ts';
import { SELECTED_NODE_ANNOTATION, VOLUME_DRIVER_ANNOTATION, VOLUME_LABEL } from './types.ts';
import type { ServiceMode, ServiceVolume, VolumeDriver } from './types.ts';

export interface Claim extends ApiObject {
  readonly spec?: V1PersistentVolumeClaimSpec;
}

export interface ClaimFacts {
  /** Of the PersistentVolumeClaim. */
  readonly name: string;
  /** What services call it. */
  readonly claimName: string;
  /** Where it is kept. `anywhere`: its storage is no node's own. `nowhere`: no node has been chosen yet. */
  readonly where: { readonly node: string } | 'anywhere' | 'nowhere';
  readonly driver: VolumeDriver | undefined;
}

export function claimFacts({ metadata, spec }: Claim): ClaimFacts {
  const { name, labels = {}, annotations = {} } = metadata;
  const node = annotations[SELECTED_NODE_ANNOTATION];
  const isBound = spec?.volumeName !== undefined && spec.volumeName !== '';
  return {
    name,
    claimName: labels[VOLUME_LABEL] ?? name,
    where: node !== undefined ? { node } : isBound ? 'anywhere' : 'nowhere',
    driver: parseDriver(annotations[VOLUME_DRIVER_ANNOTATION]),
  };
}

/** Of a volume that is yet to be made: a global service has one on each node, so each needs a name of its own. */
export function newClaimName(claimName: string, mode: ServiceMode, node: string): string {
  return mode === 'Global' ? `${claimName}-${node}` : claimName;
}

/** Name of the PersistentVolumeClaim that an instance on `node` mounts for a claimName. */
export function claimOn(
  claims: readonly ClaimFacts[],
  claimName: string,
  mode: ServiceMode,
  node: string,
): string {
  const own = claims.filter((claim) => claim.claimName === claimName);
  const here = own.find(({ where }) => typeof where === 'object' && where.node === node);
  const found = here ?? own.find(({ where }) => where === 'anywhere');
  return found?.name ?? newClaimName(claimName, mode, node);
}

/** A volume without a driver takes whatever has its name; one with a driver must be what it says. */
export function matchesClaim(
  { driver }: Pick<ServiceVolume, 'driver'>,
  claim: Pick<ClaimFacts, 'driver'>,
): boolean {
  if (driver === undefined) return true;
  const kept = claim.driver ?? { name: 'local' };
  return (driver.name || 'local') === kept.name && optionsText(driver) === optionsText(kept);
}

export function optionsText({ options = {} }: VolumeDriver): string {
  return JSON.stringify(Object.entries(options).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Whoever wrote it: what is no driver counts as none. */
function parseDriver(text: string | undefined): VolumeDriver | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('name' in value)) return undefined;
    const { name, options } = value as { readonly name: unknown; readonly options?: unknown };
    if (typeof name !== 'string') return undefined;
    if (typeof options !== 'object' || options === null) return { name };
    const texts = Object.entries(options).map(([key, one]) => [key, String(one)] as const);
    return { name, options: Object.fromEntries(texts) };
  } catch {
    return undefined;
  }
}
