// A client of exec or attach over WebSocket: five channels in one connection (k8s.io/apimachinery remotecommand constants).
import { once } from 'node:events';

import type { WebSocket } from 'ws';

import type { Clock } from '#platform/clock.ts';

import type { Status } from '../../api/errors.ts';

import { parseTerminalSize } from './command-client.ts';
import type { CommandClient } from './command-client.ts';
import type { CommandOptions } from './command-options.ts';
import { WebSocketChannels } from './websocket-channels.ts';

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const ERROR = 3;
const RESIZE = 4;
const FAREWELL_MS = 10_000;

export function acceptWebSocketCommand(
  webSocket: WebSocket,
  protocol: string,
  options: CommandOptions,
  clock: Clock,
): CommandClient {
  const channels = new WebSocketChannels(webSocket, protocol, (delayMs, callback) =>
    clock.schedule(delayMs, callback),
  );
  // Tells the client that all is in place before there is output.
  channels.send(options.stdout ? STDOUT : options.stderr ? STDERR : ERROR, Buffer.alloc(0));
  return {
    stdin: options.stdin ? channels.reader(STDIN) : undefined,
    stdout: options.stdout ? channels.writer(STDOUT) : undefined,
    stderr: options.stderr ? channels.writer(STDERR) : undefined,
    onResize: (listener) =>
      channels.listen(RESIZE, (bytes) => {
        const size = parseTerminalSize(bytes.toString('utf8'));
        if (size !== undefined) listener(size);
      }),
    closed: channels.closed,
    async finish(status) {
      const text = statusText(status, protocol);
      if (text !== '') channels.send(ERROR, Buffer.from(text));
      channels.close();
      if (channels.closed.aborted) return;
      const cancel = clock.schedule(FAREWELL_MS, () => webSocket.terminate());
      await once(channels.closed, 'abort');
      cancel();
    },
  };
}

/** The first protocols know the words of an error only. */
function statusText(status: Status, protocol: string): string {
  if (/^v[45]\./.test(protocol)) return JSON.stringify(status);
  return status.status === 'Success' ? '' : (status.message ?? 'failed');
}
