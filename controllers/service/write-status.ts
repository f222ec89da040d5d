// Writes the status of a Service when it says something new, and events for what changed in its conditions.
import type { Client } from '../machinery/client-types.ts';
import type { EventRecorder } from '../machinery/events.ts';
import { SERVICES } from '../machinery/resources.ts';
import type { Service, ServiceStatus } from './types.ts';

/** @returns what the server made of it; undefined when there was nothing to write */
export async function writeStatus(
  client: Client,
  events: EventRecorder,
  service: Service,
  status: ServiceStatus,
  signal: AbortSignal,
): Promise<Service | undefined> {
  if (canonical(service.status ?? {}) === canonical(status)) return undefined;
  announce(events, service, status);
  const { namespace = '', name, resourceVersion } = service.metadata;
  // A merge patch leaves alone what it does not name: what is gone must be named.
  const gone = Object.fromEntries(
    Object.keys(service.status ?? {})
      .filter((field) => !(field in status))
      .map((field) => [field, null]),
  );
  // Only on top of what was read: which revision is the proven one must never go back because somebody was late.
  const patch = { metadata: { resourceVersion }, status: { ...gone, ...status } };
  return client.patch<Service>(SERVICES, namespace, name, 'status', 'merge', patch, signal);
}

/** Events for what changed in the conditions. */
function announce(events: EventRecorder, service: Service, status: ServiceStatus): void {
  for (const condition of status.conditions ?? []) {
    if (condition.type !== 'Progressing') continue;
    const before = service.status?.conditions?.find(({ type }) => type === condition.type);
    if (before?.reason === condition.reason && before.message === condition.message) continue;
    if (condition.reason === 'RolledOut') {
      events.record(SERVICES, service, 'Normal', 'RolledOut', condition.message);
    } else if (condition.status === 'False' && before?.reason !== condition.reason) {
      events.record(SERVICES, service, 'Warning', condition.reason, condition.message);
    }
  }
}

/** Text that is the same for equal values, whatever order their fields came in. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, child: unknown) =>
    typeof child === 'object' && child !== null && !Array.isArray(child)
      ? Object.fromEntries(Object.entries(child).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : child,
  );
}
