// What this machine uses, all programs together: for `kubectl top nodes`.
import { cpus, freemem, totalmem } from 'node:os';

export interface MachineUsage {
  /** Of all processors since the machine started. */
  readonly cpuNanoseconds: number;
  /** What no program could have at once. */
  readonly memoryBytes: number;
}

export function machineUsage(): MachineUsage {
  const busyMs = cpus().reduce(
    (sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq,
    0,
  );
  return { cpuNanoseconds: busyMs * 1e6, memoryBytes: totalmem() - freemem() };
}
