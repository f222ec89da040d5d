// Whoever has asked to run or attach to a command, whatever protocol it speaks: its streams, and how it is told the end.
import type { Readable, Writable } from 'node:stream';

import { jsonFields } from '#platform/json-fields.ts';

import type { Status } from '../../api/errors.ts';

export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

export interface CommandClient {
  readonly stdin: Readable | undefined;
  readonly stdout: Writable | undefined;
  readonly stderr: Writable | undefined;
  /** Called with each new size of the client's terminal. */
  onResize: (listener: (size: TerminalSize) => void) => void;
  /** Aborts when the client is gone. */
  readonly closed: AbortSignal;
  /** Tells the client how it went, and ends the connection. What was written to the streams comes first. */
  finish(status: Status): Promise<void>;
}

const LARGEST_SIZE = 0xffff;

/** `{"Width":80,"Height":24}`; undefined for anything else. */
export function parseTerminalSize(text: string): TerminalSize | undefined {
  const { Width: width, Height: height } = jsonFields(text) ?? {};
  return isSize(width) && isSize(height) ? { width, height } : undefined;
}

function isSize(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= LARGEST_SIZE;
}
