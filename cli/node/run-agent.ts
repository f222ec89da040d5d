// Runs the node agent of a machine until it is stopped, and begins it anew with each certificate that it gets. Its instances go on.
import { startAgent } from '#controllers/agent/start.ts';
import type { Agent, AgentOptions } from '#controllers/agent/start.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';
import { nextCertificate } from './keep-certificate.ts';
import type { KeepCertificateOptions } from './keep-certificate.ts';

export interface RunningAgent {
  readonly close: () => Promise<void>;
  /** Rejects when it cannot go on. */
  readonly done: Promise<void>;
}

/** @param newRegistry for each agent that begins. @throws as startAgent */
export async function runAgent(
  options: Omit<AgentOptions, 'metrics'>,
  keeping: KeepCertificateOptions,
  newRegistry: () => MetricsRegistry,
  signal: AbortSignal,
): Promise<RunningAgent> {
  const start = (): Promise<Agent> => startAgent({ ...options, metrics: newRegistry() }, signal);
  let agent: Agent | undefined = await start();
  const closing = new AbortController();
  const life = AbortSignal.any([signal, closing.signal]);
  const renewing = (async () => {
    for (;;) {
      await nextCertificate(keeping, life);
      const former = agent;
      agent = undefined;
      await former?.close({ stopContainers: false });
      agent = await start();
    }
  })();
  const done = renewing.catch((error: unknown) => {
    if (!life.aborted) throw error;
  });
  // Whoever waits for `done` sees it.
  done.catch(() => undefined);
  return {
    async close() {
      closing.abort(new Error('the agent is stopping'));
      await done.catch(() => undefined);
      await agent?.close({ stopContainers: true });
    },
    done,
  };
}
