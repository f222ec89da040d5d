// What answers one session of a command or of forwarded ports on this machine, once the server has been told that it will.
import type { Channel } from '#platform/multiplex/channel.ts';
import type { Multiplexer } from '#platform/multiplex/multiplexer.ts';

export interface StreamService {
  /** The server opens a channel; where it is absent it may not. */
  readonly onOpen?: (channel: Channel, payload: Buffer) => void;
  /** Resolves when the session is over. */
  run(session: Multiplexer): Promise<void>;
}

/** Resolves when the session is gone. */
export function endOf(session: Multiplexer): Promise<void> {
  return new Promise((resolve) => {
    if (session.ended.aborted) resolve();
    else session.ended.addEventListener('abort', () => resolve(), { once: true });
  });
}
