// What a ResourceClaim takes of quotas: itself, and the devices of each class that it may get at most. Pure. The rules are upstream's.
import type { Quantity } from '../quantity.ts';
import { whole } from './amounts.ts';
import type { Amounts } from './amounts.ts';
import type { QuotaDevices, QuotaResourceClaim } from './quota-objects.ts';

export const RESOURCE_CLAIMS = 'resourceclaims.resource.k8s.io';
/** Behind the name of a DeviceClass, in the names of a quota. */
export const OF_DEVICE_CLASS = '.deviceclass.resource.k8s.io/devices';
/** What a claim for all devices that match can get. */
const MOST_DEVICES = 32;

export function resourceClaimUsage({ spec }: QuotaResourceClaim): Amounts {
  const devices = new Map<string, number>();
  for (const { exactly, firstAvailable = [] } of spec?.devices?.requests ?? []) {
    const alternatives = firstAvailable.length > 0 || exactly === undefined;
    // Of alternatives one is taken, and nobody knows which: the worst of each class.
    const worst = new Map<string, number>();
    for (const one of alternatives ? firstAvailable : [exactly]) {
      const name = one.deviceClassName ?? '';
      worst.set(name, Math.max(worst.get(name) ?? 0, devicesOf(one)));
    }
    for (const [name, count] of worst) devices.set(name, (devices.get(name) ?? 0) + count);
  }
  return new Map<string, Quantity>([
    [`count/${RESOURCE_CLAIMS}`, whole(1)],
    ...[...devices].map(([name, count]) => [`${name}${OF_DEVICE_CLASS}`, whole(count)] as const),
  ]);
}

function devicesOf({ allocationMode = 'ExactCount', count = 1 }: QuotaDevices): number {
  if (allocationMode === 'All') return MOST_DEVICES;
  return allocationMode === 'ExactCount' ? count : 0;
}
