// The log of one container of one instance: what there is, and what comes.
import type { Client } from '#controllers/machinery/client-types.ts';
import { RequestError } from '#controllers/machinery/request-error.ts';
import { objectPath, withQuery } from '#controllers/machinery/resource-path.ts';
import { PODS } from '#controllers/machinery/resources.ts';
import { sleep } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';
import { parseLogLine } from './log-lines.ts';
import type { LogLine, LogPosition } from './log-lines.ts';

export interface LogClient extends Client {
  getText(path: string, signal: AbortSignal): Promise<string>;
  streamText(path: string, signal: AbortSignal): AsyncIterable<string>;
}

export interface LogSource {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** What stands in front of its lines. */
  readonly label: string;
}

export interface LogRange {
  /** Undefined: all there are. */
  readonly tailLines: number | undefined;
  readonly sinceSeconds: number | undefined;
}

/** Between attempts to read on: the container may be starting again. */
const RETRY_MS = 1_000;

/** @throws RequestError when there is no log yet, or its machine cannot be asked */
export async function readLog(
  client: LogClient,
  source: LogSource,
  range: LogRange,
  signal: AbortSignal,
): Promise<readonly LogLine[]> {
  const text = await client.getText(pathOf(source, { ...range }), signal);
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => parseLogLine(source.label, line));
}

export interface FollowOptions {
  readonly client: LogClient;
  readonly clock: Clock;
  readonly source: LogSource;
  /** Past the lines that were told already; from the beginning where there were none. */
  readonly position: LogPosition;
  readonly tell: (line: LogLine) => void;
}

/** Tells each new line until the signal aborts, over restarts of the container and broken connections. Never rejects. */
export async function followLog(options: FollowOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, source, position, tell } = options;
  while (!signal.aborted) {
    try {
      position.rewind();
      const sinceTime = position.time === '' ? undefined : position.time;
      const path = pathOf(source, { follow: 'true', sinceTime });
      for await (const line of linesOf(client.streamText(path, signal))) {
        const parsed = parseLogLine(source.label, line);
        if (position.accept(parsed)) tell(parsed);
      }
    } catch (error) {
      // It has not started yet, or its machine is away: both pass. An instance that is gone ends with the signal.
      if (!(error instanceof Error)) throw error;
    }
    await sleep(clock, RETRY_MS, signal).catch(() => undefined);
  }
}

/** Why there is no log, in the server's words; undefined for anything else that went wrong. */
export function refusalOf(error: unknown): string | undefined {
  return error instanceof RequestError ? error.message : undefined;
}

function pathOf(
  { namespace, pod, container }: LogSource,
  query: Readonly<Record<string, string | number | undefined>>,
): string {
  return withQuery(objectPath(PODS, namespace, pod, 'log'), {
    container,
    timestamps: 'true',
    ...query,
  });
}

async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of chunks) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}
