// What containers of a Docker Engine use, from its own counters.
import type Docker from 'dockerode';
import type { ContainerStats } from 'dockerode';
import type { ContainerUsage } from './runtime.ts';

/** undefined when the container is gone or the Engine does not say. */
export async function usageOf(docker: Docker, id: string): Promise<ContainerUsage | undefined> {
  try {
    // One look: otherwise the Engine waits a second, for a rate that nobody asks for.
    const stats = await docker.getContainer(id).stats({ stream: false, 'one-shot': true });
    return usageIn(`docker://${id}`, stats);
  } catch {
    return undefined;
  }
}

/** Memory without what the kernel would give back at once, as kubelets count it. */
export function usageIn(
  id: string,
  stats: Pick<ContainerStats, 'cpu_stats' | 'memory_stats'>,
): ContainerUsage | undefined {
  const cpuNanoseconds = stats.cpu_stats?.cpu_usage?.total_usage;
  const used = stats.memory_stats?.usage;
  if (typeof cpuNanoseconds !== 'number' || typeof used !== 'number') return undefined;
  // Absent in one or the other version of cgroups.
  const details: Readonly<Record<string, number | undefined>> = { ...stats.memory_stats.stats };
  const inactive = details['total_inactive_file'] ?? details['inactive_file'] ?? 0;
  return { id, cpuNanoseconds, memoryBytes: Math.max(0, used - inactive) };
}
