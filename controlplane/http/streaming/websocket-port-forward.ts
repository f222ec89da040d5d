// Port forwarding over plain WebSocket, as clients without SPDY do it: the ports are in the query, each has a channel for data and one
// for errors, and one connection. Both channels begin with the port, two bytes, little endian (k8s.io/kubelet portforward).
import type { WebSocket } from 'ws';

import type { Multiplexer } from '#platform/multiplex/multiplexer.ts';
import type { Clock } from '#platform/clock.ts';

import { PortForwarder } from './forwarded-connection.ts';
import { WebSocketChannels } from './websocket-channels.ts';

/** Resolves when all connections are done, or the client or the node is gone. */
export async function serveWebSocketPortForward(
  webSocket: WebSocket,
  protocol: string,
  ports: readonly number[],
  node: Multiplexer,
  clock: Clock,
): Promise<void> {
  const forwarder = new PortForwarder(node);
  const channels = new WebSocketChannels(webSocket, protocol, (delayMs, callback) =>
    clock.schedule(delayMs, callback),
  );
  channels.closed.addEventListener('abort', () => node.end(channels.closed.reason as Error), {
    once: true,
  });
  await Promise.all(
    ports.map(async (port, index) => {
      const data = 2 * index;
      const number = Buffer.alloc(2);
      number.writeUInt16LE(port);
      channels.send(data, number);
      channels.send(data + 1, number);
      const to = channels.writer(data);
      // The protocol has no end of one direction: the other end's is the end of both.
      to.once('finish', () => channels.endReader(data));
      const problem = await forwarder.forward(channels.reader(data), to, port);
      if (problem !== undefined) {
        channels.send(data + 1, Buffer.from(`error forwarding port ${port}: ${problem}`));
      }
    }),
  );
  channels.close();
}
