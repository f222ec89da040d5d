// One forwarded connection: the client's stream joined to a channel of the session with the node, which leads to the port.
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';

import { ChannelResetError } from '#platform/multiplex/channel.ts';
import type { Channel } from '#platform/multiplex/channel.ts';
import type { Multiplexer } from '#platform/multiplex/multiplexer.ts';

/** Opens connections to ports of one Pod through its node. */
export class PortForwarder {
  readonly #node: Multiplexer;
  #lastID = 0;

  constructor(node: Multiplexer) {
    this.#node = node;
  }

  /** Resolves when both directions are done: undefined, or what went wrong at the node. */
  async forward(from: Readable, to: Writable, port: number): Promise<string | undefined> {
    this.#lastID += 1;
    const channel = this.#node.open(this.#lastID, Buffer.from(JSON.stringify({ port })));
    return joinBoth(from, to, channel);
  }
}

/** Each direction ends by itself; an error ends both. */
function joinBoth(from: Readable, to: Writable, channel: Channel): Promise<string | undefined> {
  from.pipe(channel);
  channel.pipe(to);
  // A client that goes before all is said takes the connection with it.
  const leave = (): void => {
    if (!from.readableEnded || !to.writableFinished) channel.destroy();
  };
  from.once('close', leave);
  to.once('close', leave);
  return finished(channel).then(
    () => undefined,
    (error: unknown) => {
      from.unpipe(channel);
      return error instanceof ChannelResetError ? error.message : undefined;
    },
  );
}
