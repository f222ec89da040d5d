// A client of exec or attach over SPDY: it opens one stream for each of error, stdin, stdout, stderr and, with a terminal, resize,
// and waits for all of them to be taken (k8s.io/apimachinery remotecommand, protocols channel.k8s.io to v4.channel.k8s.io).
import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';

import type { Clock } from '#platform/clock.ts';

import type { Status } from '../../api/errors.ts';

import { SpdyConnection } from '../spdy/connection.ts';
import type { SpdyStream } from '../spdy/stream.ts';
import { parseTerminalSize } from './command-client.ts';
import type { CommandClient, TerminalSize } from './command-client.ts';
import type { CommandOptions } from './command-options.ts';

const STREAM_CREATION_MS = 30_000;
const LONGEST_SIZE_TEXT = 1024;
/** From here on the end is a Status in JSON; before, the words of an error. */
const WITH_STATUS = 'v4.channel.k8s.io';
/** Protocols without a stream for the terminal's size. */
const WITHOUT_RESIZE = ['channel.k8s.io', 'v2.channel.k8s.io'];

export interface SpdyCommandInput {
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly protocol: string;
  readonly options: CommandOptions;
  readonly clock: Clock;
}

/** Resolves when the client has opened its streams. @throws Error when it does not in time, or leaves */
export async function acceptSpdyCommand(input: SpdyCommandInput): Promise<CommandClient> {
  const { socket, head, protocol, options, clock } = input;
  const expected = streamsOf(options, protocol);
  const streams = new Map<string, SpdyStream>();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const connection = new SpdyConnection(socket, head, {
    clock,
    onStream: (stream) => {
      const type = stream.headers.get('streamtype') ?? '';
      if (!expected.includes(type) || streams.has(type)) return false;
      streams.set(type, stream);
      if (streams.size === expected.length) resolve();
      return true;
    },
  });
  const leave = (): void => reject(connection.closed.reason as Error);
  connection.closed.addEventListener('abort', leave, { once: true });
  const cancel = clock.schedule(STREAM_CREATION_MS, () =>
    reject(new Error('the client did not open its streams in time')),
  );
  try {
    await promise;
  } catch (error) {
    connection.destroy();
    throw error;
  } finally {
    cancel();
  }
  return {
    stdin: streams.get('stdin'),
    stdout: streams.get('stdout'),
    stderr: streams.get('stderr'),
    onResize: (listener) => readSizes(streams.get('resize'), listener),
    closed: connection.closed,
    async finish(status) {
      await end(streams.get('error'), statusText(status, protocol));
      connection.close();
    },
  };
}

function streamsOf(options: CommandOptions, protocol: string): readonly string[] {
  return [
    'error',
    ...(options.stdin ? ['stdin'] : []),
    ...(options.stdout ? ['stdout'] : []),
    ...(options.stderr ? ['stderr'] : []),
    ...(options.tty && !WITHOUT_RESIZE.includes(protocol) ? ['resize'] : []),
  ];
}

function statusText(status: Status, protocol: string): string {
  if (protocol === WITH_STATUS) return JSON.stringify(status);
  return status.status === 'Success' ? '' : (status.message ?? 'failed');
}

async function end(stream: SpdyStream | undefined, text: string): Promise<void> {
  if (stream === undefined || stream.destroyed) return;
  stream.end(text);
  await finished(stream, { readable: false }).catch(() => undefined);
}

/** One size in JSON after the other, with or without line ends between them. */
function readSizes(stream: SpdyStream | undefined, listener: (size: TerminalSize) => void): void {
  let text = '';
  stream?.on('data', (bytes: Buffer) => {
    text += bytes.toString('utf8');
    const end = text.lastIndexOf('}') + 1;
    const last = text.lastIndexOf('{', end);
    // Only the newest one counts.
    const size = end === 0 || last < 0 ? undefined : parseTerminalSize(text.slice(last, end));
    text = text.slice(end).slice(-LONGEST_SIZE_TEXT);
    if (size !== undefined) listener(size);
  });
}
