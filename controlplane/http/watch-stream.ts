// Where the events of a watch go: the chunks of an HTTP answer, or the messages of a WebSocket. Watchers make frames once and share
// them, so that what is written is ready for the socket whichever of the two it is.
import type { ServerResponse } from 'node:http';
import type { Duplex, Writable } from 'node:stream';

import type { WebSocket } from 'ws';

import { asChunk } from './watch-batches.ts';

export interface WatchStream {
  /** Equal for streams that write the same bytes for the same events. */
  readonly framing: 'chunks' | 'messages';
  readonly socket: Pick<Writable, 'write' | 'once' | 'removeListener'>;
  /** One or more events, ready to be written. */
  readonly frame: (events: readonly Buffer[]) => Buffer;
  /** Ends cleanly behind what has been written. */
  readonly end: () => void;
  /** Drops the connection. */
  readonly cut: () => void;
}

/** The head must have been sent, with `Transfer-Encoding: chunked`. */
export function chunkStream(response: ServerResponse, socket: WatchStream['socket']): WatchStream {
  return {
    framing: 'chunks',
    socket,
    frame: asChunk,
    end: () => void response.end(),
    cut: () => void response.destroy(),
  };
}

/** Each event is a text message of its own, as upstream sends them. */
export function messageStream(webSocket: WebSocket, socket: Duplex): WatchStream {
  return {
    framing: 'messages',
    socket,
    frame: (events) => Buffer.concat(events.flatMap((event) => [headOf(event.length), event])),
    end: () => webSocket.close(1000),
    cut: () => webSocket.terminate(),
  };
}

const FINAL_TEXT = 0x81;

/** RFC 6455 §5.2: a whole text message from a server, which masks nothing. */
function headOf(length: number): Buffer {
  if (length < 126) return Buffer.from([FINAL_TEXT, length]);
  if (length < 0x1_00_00) {
    const head = Buffer.from([FINAL_TEXT, 126, 0, 0]);
    head.writeUInt16BE(length, 2);
    return head;
  }
  const head = Buffer.from([FINAL_TEXT, 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(length, 6);
  return head;
}
