// CPU and memory of a container in numbers, and back. Pure.
import { ONE, parseQuantity } from '../machinery/quantity.ts';
import type { ContainerResources } from '../runtimes/runtime.ts';
import type { Container } from './pod.ts';

type Resources = Container['resources'];

export function containerResources(resources: Resources): ContainerResources {
  const cpu = (text: string | undefined): number | undefined => whole(text, 1000n);
  const memory = (text: string | undefined): number | undefined => whole(text, 1n);
  const { limits = {}, requests = {} } = resources ?? {};
  return withoutUndefined({
    cpuLimitMillis: cpu(limits['cpu']),
    memoryLimitBytes: memory(limits['memory']),
    cpuRequestMillis: cpu(requests['cpu']),
    memoryRequestBytes: memory(requests['memory']),
  });
}

/** Zero means none, as upstream. */
function whole(text: string | undefined, perUnit: bigint): number | undefined {
  const quantity = parseQuantity(text ?? '');
  if (quantity === undefined || quantity <= 0n) return undefined;
  return Number((quantity * perUnit + ONE - 1n) / ONE);
}

function withoutUndefined(resources: {
  readonly [name in keyof ContainerResources]: number | undefined;
}): ContainerResources {
  return Object.fromEntries(Object.entries(resources).filter(([, value]) => value !== undefined));
}

/** Which of them are not as asked for. What is not asked for may be as it is. */
export function differences(
  asked: ContainerResources,
  actual: ContainerResources,
): readonly ('cpu' | 'memory')[] {
  // Engines count shares of a CPU in 1024ths, two at least: a thousandth more or less is the same.
  const cpuIs = (a: number | undefined, b = 0): boolean => a === undefined || Math.abs(a - b) <= 1;
  const memoryIs = (a: number | undefined, b = 0): boolean => a === undefined || a === b;
  const sameCPU =
    cpuIs(asked.cpuLimitMillis, actual.cpuLimitMillis) &&
    cpuIs(asked.cpuRequestMillis, actual.cpuRequestMillis);
  const sameMemory =
    memoryIs(asked.memoryLimitBytes, actual.memoryLimitBytes) &&
    memoryIs(asked.memoryRequestBytes, actual.memoryRequestBytes);
  return [...(sameCPU ? [] : ['cpu' as const]), ...(sameMemory ? [] : ['memory' as const])];
}

/** For status: what is as asked for is written as it was asked for. */
export function resourcesStatus(resources: Resources, actual: ContainerResources): object {
  const asked = containerResources(resources);
  const part = (
    name: 'limits' | 'requests',
    cpu: 'cpuLimitMillis' | 'cpuRequestMillis',
    memory: 'memoryLimitBytes' | 'memoryRequestBytes',
  ): object => {
    const stated = resources?.[name] ?? {};
    const shown: Record<string, string> = {};
    if (actual[cpu] !== undefined) {
      const same = asked[cpu] !== undefined && Math.abs(asked[cpu] - actual[cpu]) <= 1;
      shown['cpu'] = same ? (stated['cpu'] ?? '') : cpuText(actual[cpu]);
    }
    if (actual[memory] !== undefined) {
      const same = asked[memory] === actual[memory];
      shown['memory'] = same ? (stated['memory'] ?? '') : memoryText(actual[memory]);
    }
    return Object.keys(shown).length === 0 ? {} : { [name]: shown };
  };
  return {
    ...part('limits', 'cpuLimitMillis', 'memoryLimitBytes'),
    ...part('requests', 'cpuRequestMillis', 'memoryRequestBytes'),
  };
}

function cpuText(millis: number): string {
  return millis % 1000 === 0 ? String(millis / 1000) : `${millis}m`;
}

function memoryText(bytes: number): string {
  const units = ['', 'Ki', 'Mi', 'Gi', 'Ti'];
  const power = units.findLastIndex((_, index) => bytes % 1024 ** index === 0);
  return `${bytes / 1024 ** power}${units[power]}`;
}
