// The real process behind CommandIO: streams, environment, stop signals.
import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import type { CommandIO } from './command.ts';
import { CommandError } from './usage-error.ts';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Writes on; a reader that has gone away (`windlass status | head`) is no error of ours. */
function writer(stream: NodeJS.WriteStream): (text: string) => void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  return (text) => void stream.write(text);
}

let stopping: AbortController | undefined;

function stopSignal(): AbortSignal {
  if (stopping !== undefined) return stopping.signal;
  const controller = new AbortController();
  stopping = controller;
  const stop = (): void => controller.abort(new CommandError('interrupted'));
  // The handlers stay: a second Ctrl-C while things are being stopped must not kill us half-way.
  for (const signal of STOP_SIGNALS) process.on(signal, stop);
  // The launcher holds the other end; it closes when the launcher dies, however it dies.
  process.once('disconnect', stop);
  // Undefined without a launcher, whatever the types say; false when it died before we came here.
  const { connected } = process as { readonly connected?: boolean };
  if (connected !== undefined && !connected) stop();
  return controller.signal;
}

async function ask(question: string, signal: AbortSignal): Promise<string> {
  // On standard error: what a command prints as its result may be redirected.
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-C while it reads comes here instead of as a signal, and Ctrl-D closes it.
  const closed = new AbortController();
  lines.once('SIGINT', () => closed.abort(new CommandError('interrupted')));
  lines.once('close', () => closed.abort(new CommandError('nothing was answered')));
  const either = AbortSignal.any([signal, closed.signal]);
  try {
    return await lines.question(question, { signal: either });
  } catch (error) {
    throw either.aborted ? either.reason : error;
  } finally {
    lines.close();
  }
}

/** The CommandIO of this process. */
export function processIO(): CommandIO {
  return {
    environment: process.env,
    out: writer(process.stdout),
    err: writer(process.stderr),
    columns:
      process.stdout.isTTY && process.env['TERM'] !== 'dumb'
        ? () => process.stdout.columns || 80
        : undefined,
    errIsTerminal: process.stderr.isTTY,
    ask: process.stdin.isTTY && process.stderr.isTTY ? ask : undefined,
    readInput: () => text(process.stdin),
    stopSignal,
  };
}
