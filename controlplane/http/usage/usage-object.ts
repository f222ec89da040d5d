// From what a node has measured to NodeMetrics and PodMetrics. Pure.
import { fieldAt } from '../../api/fields.ts';
import type { KubernetesObject } from '../../api/object.ts';
import type { Measured, ContainerMeasured } from './node-usage.ts';

const API_VERSION = 'metrics.k8s.io/v1beta1';

/** `12345678n`, as metrics-server writes it: billionths of a processor. */
export function cpuQuantity(nanocores: number): string {
  return nanocores === 0 ? '0' : `${Math.round(nanocores)}n`;
}

/** `2048Ki` */
export function memoryQuantity(bytes: number): string {
  return `${Math.floor(bytes / 1024)}Ki`;
}

/** What the quantities above add up to. */
export function usageSum(usages: readonly unknown[]): {
  readonly cpuNanocores: number;
  readonly memoryBytes: number;
} {
  const sum = (name: string): number =>
    usages.reduce<number>(
      (total, usage) => total + (Number.parseInt(String(fieldAt(usage, name)), 10) || 0),
      0,
    );
  return { cpuNanocores: sum('cpu'), memoryBytes: sum('memory') * 1024 };
}

export function nodeMetrics(node: KubernetesObject, measured: Measured): KubernetesObject {
  return { ...about('NodeMetrics', node, measured), usage: usageOf(measured) };
}

/** undefined while nothing is known of any container of it. */
export function podMetrics(
  pod: KubernetesObject,
  containers: readonly ContainerMeasured[],
): KubernetesObject | undefined {
  const own = containers.filter(({ podUID }) => podUID === pod.metadata.uid);
  const [first] = own;
  if (first === undefined) return undefined;
  // One time for all of them: the last to be measured, over the longest.
  const timestamp = Math.max(...own.map((one) => one.timestamp));
  const windowMs = Math.max(...own.map((one) => one.windowMs));
  return {
    ...about('PodMetrics', pod, { timestamp, windowMs }),
    containers: own.map((one) => ({ name: one.container, usage: usageOf(one) })),
  };
}

function about(
  kind: string,
  { metadata }: KubernetesObject,
  { timestamp, windowMs }: Pick<Measured, 'timestamp' | 'windowMs'>,
): KubernetesObject {
  const { name, namespace, labels } = metadata;
  const time = new Date(timestamp).toISOString().replace(/\.\d+Z$/, 'Z');
  return {
    kind,
    apiVersion: API_VERSION,
    metadata: {
      ...(name === undefined ? {} : { name }),
      ...(namespace === undefined ? {} : { namespace }),
      creationTimestamp: time,
      ...(labels === undefined ? {} : { labels }),
    },
    timestamp: time,
    window: `${windowMs / 1000}s`,
  };
}

function usageOf({ cpuNanocores, memoryBytes }: Measured): object {
  return { cpu: cpuQuantity(cpuNanocores), memory: memoryQuantity(memoryBytes) };
}
