// Before a container is killed that ought to serve and does not: the proxies let go of it, as they do before every other stop.
import type { Clock } from '#platform/clock.ts';
import { DEFAULT_GRACE_SECONDS, DRAIN_SHARE } from './pod.ts';
import type { Container, Pod } from './pod.ts';

/**
 * Answers that are nearly there are not lost; and one that hangs, as what fails its probe often does, is not left hanging for the sake
 * of answers that never come.
 */
const LIMIT_MS = 10_000;

/**
 * @param drain resolves when nothing is under way with the Pod, or the limit is over
 * @returns how many seconds of the grace period are left for the stop
 */
export async function drainBeforeKill(
  { spec }: Pod,
  { livenessProbe }: Container,
  clock: Clock,
  drain: (limitMs: number) => Promise<void>,
): Promise<number> {
  const grace =
    livenessProbe?.terminationGracePeriodSeconds ??
    spec.terminationGracePeriodSeconds ??
    DEFAULT_GRACE_SECONDS;
  const startedAt = clock.monotonic();
  await drain(Math.min(LIMIT_MS, grace * 1000 * DRAIN_SHARE));
  return Math.max(grace === 0 ? 0 : 1, grace - (clock.monotonic() - startedAt) / 1000);
}
