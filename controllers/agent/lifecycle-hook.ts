// Runs a postStart or preStop hook of a container: a command, an HTTP GET, or just waiting.
import type { V1LifecycleHandler } from '@kubernetes/client-node';
import { sleep } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';
import type { AgentContext } from './context.ts';
import type { Pod } from './pod.ts';
import { askHTTP } from './probe-request.ts';
import type { ProbeTarget } from './probe-request.ts';

/** @returns false when it failed; an Event has been recorded then */
export async function runToldHook(
  { events, clock }: Pick<AgentContext, 'events' | 'clock'>,
  pod: Pod,
  name: 'PreStop' | 'PostStart',
  hook: V1LifecycleHandler,
  target: ProbeTarget,
  timeoutMs: number,
): Promise<boolean> {
  const problem = await runHook(hook, target, timeoutMs, clock);
  if (problem === undefined) return true;
  const message = `${name}Hook of container ${target.container.name} failed: ${problem}`;
  events.warning(pod, `Failed${name}Hook`, message);
  return false;
}

/** What went wrong, in words; undefined when nothing did. Never rejects. */
async function runHook(
  hook: V1LifecycleHandler,
  target: ProbeTarget,
  timeoutMs: number,
  clock: Clock,
): Promise<string | undefined> {
  try {
    if (hook.sleep !== undefined) {
      await sleep(clock, Math.min(timeoutMs, hook.sleep.seconds * 1000));
    } else if (hook.httpGet !== undefined) {
      const outcome = await askHTTP(hook.httpGet, target, timeoutMs);
      if (!outcome.success) return outcome.message;
    } else if (hook.exec !== undefined) {
      const result = await target.exec(hook.exec.command ?? [], timeoutMs);
      if (result.timedOut) return `timed out after ${timeoutMs / 1000}s`;
      if (result.exitCode !== 0) return `exited with ${result.exitCode}: ${result.output.trim()}`;
    }
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The result of a hook; true when the signal aborts first. */
export function unlessAborted(work: Promise<boolean>, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(true);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const stop = (): void => resolve(true);
  signal.addEventListener('abort', stop, { once: true });
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', stop));
}
