// Asks a running server to make a replica the primary, and shows how far the replica is meanwhile.
import type { HttpClient } from '#controllers/machinery/client.ts';
import { PERSISTENCE_INSTANCES } from '#controllers/machinery/resources.ts';
import { sleep, systemClock } from '#platform/clock.ts';
import type { Bar } from './bar.ts';
import { instancePath, servedInstance } from './log-source.ts';

const LOOK_MS = 250;
const NOTHING = new Uint8Array();

/** How the server says that it went. */
export interface PromotionOutcome {
  readonly previous: string;
  readonly epoch: number;
  readonly revision: number;
  readonly heldMs: number;
}

export interface PromotionRequest {
  readonly name: string;
  /** How long it may take to catch up. */
  readonly seconds: number;
  readonly bar: Bar;
  readonly signal: AbortSignal;
}

/** @throws RequestError with why it could not be done */
export async function promoted(
  client: HttpClient,
  { name, seconds, bar, signal }: PromotionRequest,
): Promise<PromotionOutcome> {
  await servedInstance(client, name, signal);
  const over = new AbortController();
  const shown = show(client, name, bar, AbortSignal.any([over.signal, signal]));
  try {
    const path = `${instancePath(name, 'promote')}?timeoutSeconds=${seconds}`;
    return (await client.postBytes(path, NOTHING, signal)) as PromotionOutcome;
  } finally {
    over.abort();
    await shown;
    bar.end();
  }
}

/** Never rejects: what cannot be shown is not. */
async function show(
  client: HttpClient,
  name: string,
  bar: Bar,
  signal: AbortSignal,
): Promise<void> {
  try {
    for (;;) {
      const { status } = await client.get<Shown>(PERSISTENCE_INSTANCES, '', name, signal);
      bar.update(status.revision, status.revision + status.lagRevisions, status.state);
      await sleep(systemClock, LOOK_MS, signal);
    }
  } catch {
    // It is over, one way or the other.
  }
}

type Shown = Awaited<ReturnType<typeof servedInstance>>;

export function promotedLines(
  name: string,
  location: string,
  { previous, heldMs }: PromotionOutcome,
): string {
  return `${[
    `${name} (${location}) is the primary, ${previous} is a replica; writes waited ${Math.ceil(heldMs)} ms`,
    'give it as the first --persistence from the next start on',
  ].join('\n')}\n`;
}
