// Takes the work off a machine's node before it is disturbed, and gives it back afterwards.
import type { Clock } from '#platform/clock.ts';
import type { Client } from '../machinery/client-types.ts';
import { cordonNode, uncordonNode } from '../machinery/cordon.ts';
import { DrainError, drainStep } from '../machinery/drain-node.ts';
import { readDrainSettings } from '../machinery/drain-settings.ts';
import { EvictionMemory } from '../machinery/empty-node.ts';
import { StepError } from './machine-work.ts';
import type { Pending } from './machine-work.ts';
import { DRAIN_ANNOTATION } from './types.ts';
import type { Machine } from './types.ts';

export class MachineDrain {
  readonly #client: Client;
  readonly #clock: Clock;
  /** Who was asked to leave which node, across reconciliations. */
  readonly #memory = new EvictionMemory();

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** @throws StepError DrainTimeout */
  async drain(
    { metadata, spec, status }: Machine,
    startedAt: number,
    signal: AbortSignal,
  ): Promise<'done' | Pending> {
    // Nothing runs yet that could be disturbed.
    if (spec.node === undefined || status?.activeSlot === undefined) return 'done';
    const settings = spec.drain ?? readDrainSettings(metadata.annotations?.[DRAIN_ANNOTATION]);
    if (settings.enabled === false) return 'done';
    const client = this.#client;
    const clock = this.#clock;
    const { name } = metadata;
    await cordonNode(client, name, markOf(name), signal);
    const drain = { sinceMs: clock.now() - startedAt, memory: this.#memory };
    try {
      const pending = await drainStep({ client, clock, name }, settings, drain, signal);
      return pending === undefined ? 'done' : { pending };
    } catch (error) {
      if (!(error instanceof DrainError)) throw error;
      throw new StepError('DrainTimeout', error.message);
    }
  }

  /** What somebody else cordoned stays so. */
  async uncordon({ metadata, spec }: Machine, signal: AbortSignal): Promise<void> {
    if (spec.node === undefined) return;
    await uncordonNode(this.#client, metadata.name, markOf(metadata.name), signal);
  }
}

function markOf(name: string): string {
  return `machine/${name}`;
}
