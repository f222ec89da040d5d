// Named volumes as the API has them: PersistentVolumeClaims that are kept on one node. Pure.
import { jsonFields } from '#platform/json-fields.ts';
import { placeOf } from '../machinery/claim-place.ts';
import type { Claim, ClaimPlace } from '../machinery/claim-place.ts';
import { VOLUME_DRIVER_ANNOTATION, VOLUME_LABEL } from './types.ts';
import type { ServiceMode, ServiceVolume, VolumeDriver } from './types.ts';

export type { Claim };

export interface ClaimFacts {
  /** Of the PersistentVolumeClaim. */
  readonly name: string;
  /** What services call it. */
  readonly claimName: string;
  readonly where: ClaimPlace;
  readonly driver: VolumeDriver | undefined;
  /** It has a storage class: on a Kubernetes cluster somebody else decides where its storage comes to be. */
  readonly isProvisioned?: boolean;
}

export function claimFacts(claim: Claim): ClaimFacts {
  const { name, labels = {}, annotations = {} } = claim.metadata;
  return {
    name,
    claimName: labels[VOLUME_LABEL] ?? name,
    where: placeOf(claim),
    driver: parseDriver(annotations[VOLUME_DRIVER_ANNOTATION]),
    ...((claim.spec?.storageClassName ?? '') === '' ? {} : { isProvisioned: true }),
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
  const { name, options } = jsonFields(text ?? '') ?? {};
  if (typeof name !== 'string') return undefined;
  if (typeof options !== 'object' || options === null) return { name };
  const texts = Object.entries(options).map(([key, one]) => [key, String(one)] as const);
  return { name, options: Object.fromEntries(texts) };
}
