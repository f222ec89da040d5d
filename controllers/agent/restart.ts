// When an ended container starts again. Pure: restart policy and the exits so far go in, a decision comes out. The delays are the
// kubelet's: the first restart is at once, then 10 s, doubled up to five minutes, forgotten after ten minutes without trouble.
import { backoffMs } from '#platform/backoff.ts';
import type { StartError } from '../runtimes/runtime.ts';

export type RestartPolicy = 'Always' | 'OnFailure' | 'Never';

/** What is remembered of one container between its restarts. */
export interface RestartHistory {
  /** Restarts in a row that counted. */
  readonly restarts: number;
  /** When the last one that counted was decided, in ms. */
  readonly lastAt: number;
}

export type RestartDecision =
  | { readonly action: 'start'; readonly history: RestartHistory | undefined }
  | { readonly action: 'wait'; readonly untilMs: number; readonly delayMs: number }
  | { readonly action: 'never' };

export const INITIAL_DELAY_MS = 10_000;
export const MAXIMUM_DELAY_MS = 300_000;
export const FORGET_AFTER_MS = 600_000;
export const CONFIGURATION_RETRY_MS = 1_000;

export interface Exit {
  /** undefined when unknown: counts as a failure. */
  readonly exitCode: number | undefined;
  readonly startedAt: number;
  readonly finishedAt: number;
}

export function wantsRestart(policy: RestartPolicy, exitCode: number | undefined): boolean {
  switch (policy) {
    case 'Always':
      return true;
    case 'OnFailure':
      return exitCode !== 0;
    case 'Never':
      return false;
  }
}

/** @param history undefined before the first restart. @param now in ms */
export function decideRestart(
  policy: RestartPolicy,
  exit: Exit,
  history: RestartHistory | undefined,
  now: number,
): RestartDecision {
  if (!wantsRestart(policy, exit.exitCode)) return { action: 'never' };
  return decideRetry(exit.finishedAt, history, exit.finishedAt - exit.startedAt, now);
}

export interface FailedStart {
  readonly error: StartError;
  /** In ms. */
  readonly at: number;
}

export interface NextInput {
  readonly policy: RestartPolicy;
  /** How the newest attempt ended; undefined when there was none. */
  readonly exit: Exit | undefined;
  /** It ended only because the agent did; nobody knows how it would have ended, and it does not count. */
  readonly shutDown: boolean;
  /** Set when the last thing tried was a start, and it failed. */
  readonly failed: FailedStart | undefined;
  readonly history: RestartHistory | undefined;
  readonly now: number;
}

/** What refers to something that is not there: it may come at any moment and costs nothing to look for. */
export function isConfigurationError({ reason }: StartError): boolean {
  return reason === 'FailedMount' || reason === 'CreateContainerConfigError';
}

/** What to do with a container that does not run. */
export function decideNext(input: NextInput): RestartDecision {
  const { policy, exit, shutDown, failed, history, now } = input;
  if (failed === undefined) {
    if (exit !== undefined && !shutDown) return decideRestart(policy, exit, history, now);
    return exit !== undefined && !wantsRestart(policy, undefined)
      ? { action: 'never' }
      : { action: 'start', history };
  }
  if (isConfigurationError(failed.error)) {
    const untilMs = failed.at + CONFIGURATION_RETRY_MS;
    if (now < untilMs) return { action: 'wait', untilMs, delayMs: CONFIGURATION_RETRY_MS };
    return { action: 'start', history };
  }
  // The failed start is the first of the row: there is no second one at once.
  return decideRetry(failed.at, history ?? { restarts: 1, lastAt: failed.at }, 0, now);
}

/** The same delays for a start that failed: there was no exit, only the time of the attempt. */
function decideRetry(
  failedAt: number,
  history: RestartHistory | undefined,
  ranForMs: number,
  now: number,
): RestartDecision {
  if (history === undefined || ranForMs >= FORGET_AFTER_MS) {
    return { action: 'start', history: { restarts: 1, lastAt: now } };
  }
  const delayMs = restartDelayMs(history);
  const untilMs = failedAt + delayMs;
  if (now < untilMs) return { action: 'wait', untilMs, delayMs };
  return { action: 'start', history: { restarts: history.restarts + 1, lastAt: now } };
}

/** How long the next restart is put off after the end of the container. */
export function restartDelayMs(history: RestartHistory): number {
  return backoffMs(
    history.restarts - 1,
    { initialMs: INITIAL_DELAY_MS, maximumMs: MAXIMUM_DELAY_MS },
    0,
  );
}

/** What the status says while a container waits for its next start. @param failed set when its last start failed */
export function waitingOf(
  failed: FailedStart | undefined,
  delayMs: number,
  container: string,
  pod: string,
): { readonly reason: string; readonly message: string } {
  if (failed === undefined) {
    const message = `back-off ${delayMs / 1000}s restarting failed container=${container} pod=${pod}`;
    return { reason: 'CrashLoopBackOff', message };
  }
  const { message, reason } = failed.error;
  return { reason: reason === 'ErrImagePull' ? 'ImagePullBackOff' : reason, message };
}
