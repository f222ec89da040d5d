// Chooses and starts the runtime that the user asked for.
import { join } from 'node:path';
import type { Clock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import type { Logger } from '#platform/logging.ts';
import { ProcessRuntime } from '../runtimes/process.ts';
import type { Runtime } from '../runtimes/runtime.ts';

/** `auto`: Docker where its socket answers, else processes. */
export type RuntimeChoice = 'process' | 'docker' | 'auto';

export interface OpenRuntimeOptions {
  readonly runtime: RuntimeChoice;
  /** Of the node agent's own files. */
  readonly directory: string;
  /** Marks containers as ours. */
  readonly owner: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export async function openRuntime(
  options: OpenRuntimeOptions,
  signal: AbortSignal,
): Promise<Runtime> {
  const { clock, logger, environment = {}, owner } = options;
  if (options.runtime !== 'process') {
    // Loaded only where it is asked for: the client library and its SSH transport take their time.
    const { DockerRuntime } = await import('../runtimes/docker.ts');
    const host = environment['DOCKER_HOST'];
    const docker = new DockerRuntime({ owner, clock, ids: systemIds, logger, host });
    try {
      await docker.start(signal);
      return docker;
    } catch (error) {
      if (options.runtime === 'docker') throw error;
      logger.info('No Docker Engine here, running processes', { error });
    }
  }
  const processes = new ProcessRuntime({
    directory: join(options.directory, 'processes'),
    environment,
    clock,
    ids: systemIds,
    logger,
  });
  await processes.start(signal);
  return processes;
}
