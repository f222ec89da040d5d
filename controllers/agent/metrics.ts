// The agent's metrics, under the kubelet's names.
import type { Counter, Gauge, Histogram, MetricsRegistry } from '#platform/metrics.ts';

export interface AgentMetrics {
  readonly startedContainers: Counter;
  readonly startErrors: Counter;
  readonly imagePull: Histogram;
  readonly pullErrors: Counter;
  readonly collectedImages: Counter;
  readonly probes: Counter;
  readonly runningPods: Gauge;
  readonly runningContainers: Gauge;
  readonly podStart: Histogram;
}

export function agentMetrics(registry: MetricsRegistry, nodeName: string): AgentMetrics {
  const node = registry.gauge({
    name: 'kubelet_node_name',
    help: "[ALPHA] The node's name. The count is always 1.",
    labelNames: ['node'],
  });
  node.set({ node: nodeName }, 1);
  const metrics: AgentMetrics = {
    startedContainers: registry.counter({
      name: 'kubelet_started_containers_total',
      help: '[ALPHA] Cumulative number of containers started',
    }),
    startErrors: registry.counter({
      name: 'kubelet_started_containers_errors_total',
      help: '[ALPHA] Cumulative number of errors when starting containers',
      labelNames: ['code'],
    }),
    imagePull: registry.histogram({
      name: 'kubelet_image_pull_duration_seconds',
      help: '[ALPHA] Duration in seconds to pull an image.',
      buckets: [0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200],
    }),
    pullErrors: registry.counter({
      name: 'windlass_image_pull_errors_total',
      help: '[ALPHA] Number of pulls of images that failed.',
    }),
    collectedImages: registry.counter({
      name: 'kubelet_image_garbage_collected_total',
      help: '[ALPHA] Total number of images garbage collected by the agent, whether through disk usage or image age.',
      labelNames: ['reason'],
    }),
    probes: registry.counter({
      name: 'prober_probe_total',
      help: '[BETA] Cumulative number of a liveness, readiness or startup probe for a container by result.',
      labelNames: ['probe_type', 'result', 'container', 'pod', 'namespace'],
    }),
    runningPods: registry.gauge({
      name: 'kubelet_running_pods',
      help: '[BETA] Number of pods that have a running container',
    }),
    runningContainers: registry.gauge({
      name: 'kubelet_running_containers',
      help: '[ALPHA] Number of containers currently running',
      labelNames: ['container_state'],
    }),
    podStart: registry.histogram({
      name: 'kubelet_pod_start_duration_seconds',
      help: '[ALPHA] Duration in seconds from the agent seeing a pod for the first time to the pod starting to run',
      buckets: [0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 120, 300],
    }),
  };
  metrics.startedContainers.inc({}, 0);
  metrics.runningPods.set({}, 0);
  metrics.runningContainers.set({ container_state: 'running' }, 0);
  return metrics;
}
