// A session of forwarded ports: for each channel that the server opens, one connection to a port of the Pod.
import { connect } from 'node:net';
import type { Channel } from '#platform/multiplex/channel.ts';
import type { Address } from '../runtimes/container-sessions.ts';
import { endOf } from './stream-service.ts';
import type { StreamService } from './stream-service.ts';

/** @param find where a port is reached from this machine; rejects with the reason when it is not */
export function portForwardService(find: (port: number) => Promise<Address>): StreamService {
  return {
    onOpen: (channel, payload) => {
      find(portOf(payload)).then(
        (endpoint) => forward(channel, endpoint),
        (error: unknown) => channel.destroy(error as Error),
      );
    },
    run: endOf,
  };
}

/** Bytes both ways, each direction ended by itself. */
function forward(channel: Channel, { host, port }: Address): void {
  if (channel.destroyed) return;
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  channel.once('close', () => socket.destroy());
  socket.on('error', (error: NodeJS.ErrnoException) => {
    const what = error.code === 'ECONNREFUSED' ? 'connection refused' : error.message;
    channel.destroy(new Error(`failed to connect to ${host}:${port}: ${what}`));
  });
  socket.once('connect', () => {
    channel.pipe(socket);
    socket.pipe(channel);
  });
}

/** @returns 0 for what is no port; nothing listens there */
function portOf(payload: Buffer): number {
  try {
    const { port } = JSON.parse(payload.toString('utf8')) as { readonly port?: unknown };
    return Number.isInteger(port) ? Number(port) : 0;
  } catch {
    return 0;
  }
}
