// CPU and memory of a container in the Engine's words, and back. Pure.
import type { HostConfig } from 'dockerode';
import type { ContainerResources } from './runtime.ts';

const PERIOD_MICROSECONDS = 100_000;
const LEAST_QUOTA_MICROSECONDS = 1_000;
const SHARES_PER_CPU = 1024;
const LEAST_SHARES = 2;

type EngineResources = Pick<
  HostConfig,
  'CpuShares' | 'CpuPeriod' | 'CpuQuota' | 'Memory' | 'MemorySwap' | 'MemoryReservation'
>;

/** For create and update alike. What is not limited is left out: the Engine takes that as it is. */
export function engineResources(resources: ContainerResources): EngineResources {
  const { cpuLimitMillis, cpuRequestMillis, memoryLimitBytes, memoryRequestBytes } = resources;
  return {
    ...(cpuRequestMillis === undefined
      ? {}
      : {
          CpuShares: Math.max(LEAST_SHARES, Math.round((cpuRequestMillis * SHARES_PER_CPU) / 1000)),
        }),
    // Not NanoCpus: the Engine then takes no other form of the limit.
    ...(cpuLimitMillis === undefined
      ? {}
      : {
          CpuPeriod: PERIOD_MICROSECONDS,
          CpuQuota: Math.max(
            LEAST_QUOTA_MICROSECONDS,
            Math.round((cpuLimitMillis * PERIOD_MICROSECONDS) / 1000),
          ),
        }),
    // No swap beyond the limit, as upstream; and both together, or raising the one would fail on the other.
    ...(memoryLimitBytes === undefined
      ? {}
      : { Memory: memoryLimitBytes, MemorySwap: memoryLimitBytes }),
    ...(memoryRequestBytes === undefined ? {} : { MemoryReservation: memoryRequestBytes }),
  };
}

export function resourcesOf(
  host: EngineResources & Pick<HostConfig, 'NanoCpus'>,
): ContainerResources {
  const { CpuShares = 0, CpuPeriod = 0, CpuQuota = 0, Memory = 0, MemoryReservation = 0 } = host;
  const { NanoCpus = 0 } = host;
  const limit =
    CpuQuota > 0
      ? Math.round((CpuQuota * 1000) / (CpuPeriod || PERIOD_MICROSECONDS))
      : Math.round(NanoCpus / 1_000_000);
  return {
    ...(limit > 0 ? { cpuLimitMillis: limit } : {}),
    ...(CpuShares > 0 ? { cpuRequestMillis: Math.round((CpuShares * 1000) / SHARES_PER_CPU) } : {}),
    ...(Memory > 0 ? { memoryLimitBytes: Memory } : {}),
    ...(MemoryReservation > 0 ? { memoryRequestBytes: MemoryReservation } : {}),
  };
}
