// Joins a client of exec or attach to the node that runs the command: bytes both ways, sizes one way, and at the end how it went.
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import type { Clock } from '#platform/clock.ts';
import type { Multiplexer } from '#platform/multiplex/multiplexer.ts';

import type { CommandClient } from './command-client.ts';
import type { CommandOptions } from './command-options.ts';
import { parseExit, statusOfError, statusOfExit } from './command-status.ts';
import type { CommandExit } from './command-status.ts';

/** The channels that server and agent agree on. */
const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
/** So long a command waits for the size of its terminal. */
const SIZE_MS = 200;

/** Resolves when the command has ended and the client knows, or the client has left: the command is killed then. */
export async function runRemoteCommand(
  client: CommandClient,
  node: Multiplexer,
  options: CommandOptions,
  clock: Clock,
): Promise<void> {
  const outputs = [
    join(client.stdout && node.channel(STDOUT), client.stdout),
    join(client.stderr && node.channel(STDERR), client.stderr),
  ];
  void join(client.stdin, client.stdin && node.channel(STDIN));
  const { promise: sized, resolve: isSized } = Promise.withResolvers<void>();
  client.onResize((size) => {
    node.control({ type: 'resize', ...size });
    isSized();
  });
  const leave = (): void => node.end(client.closed.reason as Error);
  client.closed.addEventListener('abort', leave, { once: true });
  try {
    const exit = exitOf(node);
    // A terminal should have its size before the command looks at it; clients send it at once.
    if (options.tty) await Promise.race([sized, patience(clock), aborted(client.closed)]);
    if (client.closed.aborted) leave();
    else node.control({ type: 'start' });
    const status = await exit.then((found) => statusOfExit(found, options.command), statusOfError);
    await Promise.all(outputs);
    if (!client.closed.aborted) await client.finish(status);
  } finally {
    client.closed.removeEventListener('abort', leave);
    node.end(new Error('the session is over'));
  }
}

function patience(clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    clock.schedule(SIZE_MS, resolve);
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function exitOf(node: Multiplexer): Promise<CommandExit> {
  return new Promise((resolve, reject) => {
    node.onControl = (value) => {
      const exit = parseExit(value);
      if (exit !== undefined) resolve(exit);
    };
    const fail = (): void => reject(node.ended.reason as Error);
    if (node.ended.aborted) fail();
    else node.ended.addEventListener('abort', fail, { once: true });
  });
}

/** Resolves when nothing more will come; errors are the other side's leaving, which is noticed elsewhere. */
async function join(from: Readable | undefined, to: Writable | undefined): Promise<void> {
  if (from === undefined || to === undefined) return;
  await pipeline(from, to).catch(() => undefined);
}
