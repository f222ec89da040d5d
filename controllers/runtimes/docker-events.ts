// The Engine's events of our containers, one by one.
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { LABELS, labelFilter } from './docker-labels.ts';

export interface EngineEvent {
  /** undefined: what happened while nobody listened. */
  readonly id: string | undefined;
  /** What held the namespaces of a Pod has ended; true also when that is not known. */
  readonly sandboxEnded: boolean;
}

/** The client's types lack the signal that its code takes. */
type EventsQuery = Docker.GetEventsOptions & { readonly abortSignal: AbortSignal };

/** Until the stream ends; begins with an event for what was missed. Rejects when it breaks or the signal aborts. */
export async function followEvents(
  docker: Docker,
  owner: string,
  signal: AbortSignal,
  take: (event: EngineEvent) => void,
): Promise<void> {
  const filters = { type: ['container' as const], label: [labelFilter(owner)] };
  const query: EventsQuery = { filters, abortSignal: signal };
  const stream = (await docker.getEvents(query)) as Readable;
  take({ id: undefined, sandboxEnded: true });
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
    const event = parse(line);
    if (event !== undefined) take(event);
  }
}

function parse(line: string): EngineEvent | undefined {
  if (line.trim() === '') return undefined;
  try {
    const { Action, Actor } = JSON.parse(line) as {
      readonly Action?: string;
      readonly Actor?: { readonly ID?: string; readonly Attributes?: Record<string, string> };
    };
    // Probes run commands all the time; they change nothing.
    if (Action?.startsWith('exec_') === true) return undefined;
    const isSandbox = Actor?.Attributes?.[LABELS.sandbox] === 'true';
    return { id: Actor?.ID, sandboxEnded: isSandbox && Action === 'die' };
  } catch {
    return { id: undefined, sandboxEnded: true };
  }
}
