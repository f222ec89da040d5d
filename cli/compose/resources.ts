// How much a Compose service may use: `deploy.resources`, and the older fields that say the same.
import type { V1ResourceRequirements } from '@kubernetes/client-node';
import type { Field } from './field.ts';
import { bytesQuantity, cpuQuantity } from './units.ts';

const LIMITS = ['cpus', 'memory', 'pids'];
const RESERVATIONS = ['cpus', 'devices', 'generic_resources', 'memory'];

export function resourcesOf(service: Field): V1ResourceRequirements | undefined {
  const section = service.get('deploy')?.get('resources');
  section?.refuseUnknown(['limits', 'reservations']);
  const limits = section?.get('limits');
  const reservations = section?.get('reservations');
  limits?.refuseUnknown(LIMITS);
  reservations?.refuseUnknown(RESERVATIONS);
  for (const field of [limits?.get('pids'), service.get('pids_limit')])
    field?.warn('the number of processes is not limited; ignored (ulimits has nproc)');
  reservations?.get('generic_resources')?.warn('ignored: nodes offer CPU, memory and devices');
  const limit = {
    ...cpu(limits?.get('cpus') ?? service.get('cpus')),
    ...memory(limits?.get('memory') ?? service.get('mem_limit')),
  };
  const request = {
    // A limit alone reserves nothing in Compose; a Pod would reserve as much as its limit.
    ...(limit.cpu === undefined ? {} : { cpu: '0' }),
    ...(limit.memory === undefined ? {} : { memory: '0' }),
    ...cpu(reservations?.get('cpus')),
    ...memory(reservations?.get('memory') ?? service.get('mem_reservation')),
  };
  const hasLimits = Object.keys(limit).length > 0;
  const hasRequests = Object.keys(request).length > 0;
  if (!hasLimits && !hasRequests) return undefined;
  return {
    ...(hasLimits ? { limits: limit } : {}),
    ...(hasRequests ? { requests: request } : {}),
  };
}

function cpu(field: Field | undefined): { readonly cpu?: string } {
  const cpus = field?.decimal(0, 100_000) ?? 0;
  return cpus === 0 ? {} : { cpu: cpuQuantity(cpus) };
}

function memory(field: Field | undefined): { readonly memory?: string } {
  const bytes = field?.bytes() ?? 0;
  return bytes === 0 ? {} : { memory: bytesQuantity(bytes) };
}
