// A session of exec or attach: starts the command when the server says so, carries its streams, and at the end its exit code.
// When the session goes first, the command is killed.
import { Readable } from 'node:stream';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Multiplexer } from '#platform/multiplex/multiplexer.ts';
import type { RunningCommand, TerminalSize } from '../runtimes/container-sessions.ts';
import { endOf } from './stream-service.ts';
import type { StreamService } from './stream-service.ts';

/** The channels that server and agent agree on. */
const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;

/** @param start with the size of the terminal, if it has come already */
export function commandService(
  start: (size: TerminalSize | undefined) => Promise<RunningCommand>,
): StreamService {
  return {
    async run(session) {
      const ended = endOf(session);
      // Made before the server can send on it.
      const input = session.channel(STDIN);
      const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
      let size: TerminalSize | undefined;
      let command: RunningCommand | undefined;
      session.onControl = (value) => {
        const message = parseControl(value);
        if (message === 'start') ask();
        else if (message !== undefined) {
          size = message;
          command?.resize(message);
        }
      };
      await Promise.race([asked, ended]);
      if (session.ended.aborted) return;
      try {
        command = await start(size);
      } catch (error) {
        const { message } = error as Error;
        for (const id of [STDOUT, STDERR]) session.channel(id).end();
        session.control({ type: 'exit', error: message });
        await ended;
        return;
      }
      await carry(session, command, input, ended);
    },
  };
}

async function carry(
  session: Multiplexer,
  command: RunningCommand,
  input: Readable,
  ended: Promise<void>,
): Promise<void> {
  const kill = (): void => command.kill();
  session.ended.addEventListener('abort', kill, { once: true });
  if (session.ended.aborted) kill();
  if (command.stdin === undefined) input.resume();
  else void join(input, command.stdin);
  // The server waits for the end of each, whether there is anything to come or not.
  const outputs = [
    join(command.stdout ?? Readable.from([]), session.channel(STDOUT)),
    join(command.stderr ?? Readable.from([]), session.channel(STDERR)),
  ];
  const exit = await command.exited.then(
    (code) => ({ code }),
    (error: unknown) => ({ error: (error as Error).message }),
  );
  await Promise.all(outputs);
  session.control({ type: 'exit', ...exit });
  // The server ends the session when the client has it all.
  await ended;
}

/** Resolves when nothing more will come. An end that gave up its stream is noticed by the other streams. */
async function join(from: Readable, to: Writable): Promise<void> {
  await pipeline(from, to).catch(() => undefined);
}

function parseControl(value: unknown): 'start' | TerminalSize | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { type, width, height } = value as Readonly<Record<string, unknown>>;
  if (type === 'start') return 'start';
  const isSize = type === 'resize' && typeof width === 'number' && typeof height === 'number';
  return isSize && width > 0 && height > 0 ? { width, height } : undefined;
}
