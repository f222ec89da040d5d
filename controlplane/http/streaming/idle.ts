// Streams that nobody uses for hours are ended, as upstream's kubelet does: a forgotten terminal must not hold its place for ever.
import type { Multiplexer } from '#platform/multiplex/multiplexer.ts';
import type { Clock } from '#platform/clock.ts';

export const IDLE_LIMIT_MS = 4 * 60 * 60 * 1000;
const LOOK_EVERY_MS = IDLE_LIMIT_MS / 16;

/** Ends the session when no byte has passed for four hours. @returns ends the looking */
export function endWhenIdle(session: Multiplexer, clock: Clock): () => void {
  let seen = session.passedFrames;
  let since = clock.monotonic();
  const look = (): void => {
    if (session.ended.aborted) return;
    const now = clock.monotonic();
    if (session.passedFrames !== seen) {
      seen = session.passedFrames;
      since = now;
    } else if (now - since >= IDLE_LIMIT_MS) {
      session.end(new Error('the stream was idle for four hours'));
      return;
    }
    cancel = clock.schedule(LOOK_EVERY_MS, look);
  };
  let cancel = clock.schedule(LOOK_EVERY_MS, look);
  return () => cancel();
}
