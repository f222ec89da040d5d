// Waits for the rollouts that a command has started and tells how each ended. Stopping to wait stops no rollout: the controllers carry
// it out.
import type { HttpClient } from '#controllers/machinery/client.ts';
import { systemClock } from '#platform/clock.ts';
import type { CommandIO } from '../command.ts';
import { createProgress } from '../progress.ts';
import { CommandError } from '../usage-error.ts';
import { awaitRollout } from './await-rollout.ts';
import type { Awaited, AwaitOptions, RolloutEnd } from './await-rollout.ts';

/** Exit code when all that is left waits for `windlass promote`. */
const WAITS = 3;

export interface FollowSettings {
  /** How long to wait for all of them; undefined: until they end. */
  readonly timeoutMs: number | undefined;
  /** `windlass deploy`, as it would be called again. */
  readonly command: string;
  /** How many of the last log lines of what failed are shown. */
  readonly logLines: number;
}

/** @throws CommandError unless every one of them is rolled out */
export async function followToEnd(
  client: HttpClient,
  services: readonly Awaited[],
  io: CommandIO,
  { timeoutMs, command, logLines }: FollowSettings,
): Promise<void> {
  const progress = createProgress(io.out, io.columns);
  const stop = io.stopSignal();
  const late = new AbortController();
  const cancel =
    timeoutMs === undefined
      ? undefined
      : systemClock.schedule(timeoutMs, () => late.abort(new Error('it took too long')));
  const signal = AbortSignal.any([stop, late.signal]);
  try {
    const options = { client, clock: systemClock, random: Math.random, progress, logLines };
    const ends = await awaitAll(services, options, signal);
    progress.freeze();
    tellEnds(ends, io);
  } catch (error) {
    progress.freeze();
    const again = `The controllers go on with the rollout; ${command} shows where it is.`;
    if (stop.aborted) throw new CommandError('stopped waiting', again, { cause: error });
    if (late.signal.aborted)
      throw new CommandError(
        `not rolled out within ${(timeoutMs ?? 0) / 1000} s (--timeout)`,
        again,
        { cause: error },
      );
    throw error;
  } finally {
    cancel?.();
  }
}

/** One that waits for a service that did not make it would wait for ever. */
function awaitAll(
  services: readonly Awaited[],
  options: AwaitOptions,
  signal: AbortSignal,
): Promise<readonly (readonly [Awaited, RolloutEnd])[]> {
  const blocked = new Map(services.map((service) => [service, new AbortController()]));
  const block = ({ namespace, name }: Awaited): void => {
    for (const [other, controller] of blocked)
      if (other.namespace === namespace && other.dependsOn?.includes(name) === true)
        controller.abort(name);
  };
  return Promise.all(
    services.map(async (service) => {
      const own = blocked.get(service)?.signal ?? signal;
      const end = await awaitRollout(service, options, AbortSignal.any([signal, own])).catch(
        (error: unknown): RolloutEnd => {
          if (signal.aborted || !own.aborted) throw error;
          return { state: 'blocked', by: String(own.reason) };
        },
      );
      if (end.state !== 'ready') block(service);
      return [service, end] as const;
    }),
  );
}

function tellEnds(ends: readonly (readonly [Awaited, RolloutEnd])[], io: CommandIO): void {
  const failures: { readonly message: string; readonly next: string }[] = [];
  const waiting: typeof failures = [];
  for (const [{ namespace, name }, end] of ends) {
    const inNamespace = namespace === 'default' ? '' : ` -n ${namespace}`;
    switch (end.state) {
      case 'ready':
        io.out(`${name} is rolled out: ${end.ready} of ${end.desired} ready\n`);
        break;
      case 'paused':
        failures.push({
          message: `service ${name} is paused: the change is stored, and nothing is updated`,
          next: `windlass resume ${name}${inNamespace} rolls it out.`,
        });
        break;
      case 'awaiting':
        waiting.push({
          message: `service ${name} waits at step ${end.step} of its rollout`,
          next: `windlass promote ${name}${inNamespace} lets it go on, windlass abort ${name}${inNamespace} goes back.`,
        });
        break;
      case 'blocked':
        failures.push({
          message: `service ${name} is not rolled out: it waits for ${end.by}`,
          next: `It goes on by itself once ${end.by} is ready.`,
        });
        break;
      case 'deleted':
        failures.push({
          message: `service ${name} was deleted before it was rolled out`,
          next: 'Deploy it again if that was a mistake.',
        });
        break;
      case 'failed': {
        io.err(lastWords(end.pod, end.log));
        const instance = end.pod === '' ? '' : ` ${end.pod}`;
        failures.push({
          message: `service ${name} is not rolled out: ${end.message}`,
          next: `windlass logs ${name}${instance}${inNamespace} shows more.`,
        });
        break;
      }
      default:
        end satisfies never;
    }
  }
  const [first] = [...failures, ...waiting];
  if (first === undefined) return;
  const message = [...failures, ...waiting].map((one) => one.message).join('\nwindlass: ');
  // Neither done nor failed: a script can tell it from both.
  const exit = failures.length === 0 ? { exitCode: WAITS } : {};
  throw new CommandError(message, first.next, exit);
}

function lastWords(pod: string, log: readonly string[]): string {
  if (pod === '') return '';
  if (log.length === 0) return `${pod} has logged nothing.\n`;
  return `Last ${log.length} log lines of ${pod}:\n${log.map((line) => `  ${line}\n`).join('')}`;
}
