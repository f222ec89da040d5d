// Port forwarding over SPDY (protocol portforward.k8s.io): for each connection the client opens an error and a data stream that carry
// the same request id and port. One session serves as many connections as the client makes.
import type { Duplex } from 'node:stream';

import type { Multiplexer } from '#platform/multiplex/multiplexer.ts';
import type { Clock } from '#platform/clock.ts';

import { SpdyConnection } from '../spdy/connection.ts';
import type { SpdyStream } from '../spdy/stream.ts';
import { parsePort } from './command-options.ts';
import { PortForwarder } from './forwarded-connection.ts';

const PAIR_MS = 30_000;

interface Pair {
  data?: SpdyStream;
  error?: SpdyStream;
  readonly port: number;
  readonly cancel: () => void;
}

/** Resolves when the client or the node is gone. */
export async function serveSpdyPortForward(
  socket: Duplex,
  head: Buffer,
  node: Multiplexer,
  clock: Clock,
): Promise<void> {
  const forwarder = new PortForwarder(node);
  const pairs = new Map<string, Pair>();
  const connection = new SpdyConnection(socket, head, {
    clock,
    onStream: (stream) => {
      const { headers } = stream;
      const type = headers.get('streamtype');
      const port = parsePort(headers.get('port') ?? '');
      if ((type !== 'error' && type !== 'data') || port === undefined) return false;
      // Old clients number their streams instead: the error stream comes right before its data stream.
      const id = headers.get('requestid') ?? `port ${port}`;
      const pair = pairs.get(id) ?? pairOf(pairs, id, port, clock);
      if (pair[type] !== undefined || pair.port !== port) return false;
      pair[type] = stream;
      if (pair.data === undefined || pair.error === undefined) return true;
      pairs.delete(id);
      pair.cancel();
      void forward(forwarder, pair.data, pair.error, port);
      return true;
    },
  });
  const { closed } = connection;
  await new Promise<void>((resolve) => {
    closed.addEventListener('abort', () => resolve(), { once: true });
    node.ended.addEventListener('abort', () => resolve(), { once: true });
    if (closed.aborted || node.ended.aborted) resolve();
  });
  for (const { cancel } of pairs.values()) cancel();
  connection.close();
}

function pairOf(pairs: Map<string, Pair>, id: string, port: number, clock: Clock): Pair {
  const pair: Pair = {
    port,
    cancel: clock.schedule(PAIR_MS, () => {
      pairs.delete(id);
      pair.data?.destroy();
      pair.error?.end('the other stream of the pair was not opened in time');
    }),
  };
  pairs.set(id, pair);
  return pair;
}

async function forward(
  forwarder: PortForwarder,
  data: SpdyStream,
  error: SpdyStream,
  port: number,
): Promise<void> {
  error.resume();
  // The client waits for the end of both before it closes its side, and so would we for that.
  data.once('finish', () => error.end());
  const problem = await forwarder.forward(data, data, port);
  if (error.writableEnded) return;
  if (problem === undefined) error.end();
  else {
    error.end(`error forwarding port ${port}: ${problem}`);
    if (!data.writableEnded) data.end();
  }
}
