// The probes of a container that runs, with what they say in events and metrics.
import type { AgentContext } from './context.ts';
import type { Pod } from './pod.ts';
import { askProbe } from './probe-request.ts';
import type { ProbeTarget } from './probe-request.ts';
import { ContainerProbes } from './probes.ts';
import type { ProbeEvents } from './probes.ts';

export interface WatchOptions extends Pick<ProbeEvents, 'changed' | 'unhealthy'> {
  readonly pod: Pod;
  readonly target: ProbeTarget;
  /** It ran before this agent did, and was ready then. */
  readonly adoptedReady: boolean;
}

export function watchContainer(
  { clock, events, metrics }: Pick<AgentContext, 'clock' | 'events' | 'metrics'>,
  { pod, target, adoptedReady, changed, unhealthy }: WatchOptions,
): ContainerProbes {
  const { container, status } = target;
  const { namespace = '', name } = pod.metadata;
  const labels = { namespace, pod: name, container: container.name };
  return new ContainerProbes({
    container,
    startedAt: status.state.startedAt,
    adoptedReady,
    clock,
    request: (probe, timeoutMs) => askProbe(probe, target, timeoutMs),
    events: {
      changed,
      unhealthy,
      counted: (type, result) => metrics.probes.inc({ ...labels, probe_type: type, result }),
      failed: (type, message) =>
        events.warning(
          pod,
          'Unhealthy',
          `${type[0]?.toUpperCase()}${type.slice(1)} probe failed: ${message}`,
        ),
    },
  });
}
