// Two sockets as one: bytes, back-pressure, the end of either direction and its failure pass through.
import type { Socket } from 'node:net';

export function join(one: Socket, other: Socket): void {
  pass(one, other);
  pass(other, one);
}

function pass(from: Socket, to: Socket): void {
  from.pipe(to);
  // A failure passes as one: an end would say that what has come is all there is.
  from.on('error', () => cut(to));
  from.on('close', () => {
    // Closed although the other has more to say, or before it was said that all had come.
    if (!from.readableEnded || !to.readableEnded) cut(to);
  });
}

function cut(socket: Socket): void {
  socket.on('error', () => undefined);
  socket.destroy();
}
