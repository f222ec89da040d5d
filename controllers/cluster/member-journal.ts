// What is said of a machine while something is done to it: its status, kept as it was last written.
import type { Clock } from '#platform/clock.ts';
import type { Client } from '../machinery/client-types.ts';
import { MACHINES } from '../machinery/resources.ts';
import { TARGET_ANNOTATION } from '../machine/rollout-permit.ts';
import { timestamp } from '../machinery/timestamps.ts';
import { memberStatus, sameStatus } from './member-status.ts';
import type { MemberNews } from './member-status.ts';
import type { Machine } from './types.ts';

export class MemberJournal {
  machine: Machine;
  readonly #client: Client;
  readonly #clock: Clock;

  constructor(machine: Machine, client: Client, clock: Clock) {
    this.machine = machine;
    this.#client = client;
    this.#clock = clock;
  }

  /** Hash of what it is to become. */
  get target(): string {
    return this.machine.metadata.annotations?.[TARGET_ANNOTATION] ?? '';
  }

  /** Said before and after: whoever looks sees what is going on. @param work what it gives as text is said of the step */
  async step(name: string, work: () => unknown, signal: AbortSignal): Promise<void> {
    const clock = this.#clock;
    const startedAt = timestamp(clock.now());
    if (name !== 'Prepare') await this.say({ step: { name, state: 'Running', startedAt } }, signal);
    let message: unknown;
    try {
      message = await work();
    } catch (error) {
      if (!signal.aborted)
        await this.say(
          {
            step: {
              name,
              state: 'Failed',
              startedAt,
              finishedAt: timestamp(clock.now()),
              message: messageOf(error),
            },
          },
          signal,
        );
      throw error;
    }
    if (name !== 'Prepare')
      await this.say(
        {
          step: {
            name,
            state: 'Done',
            startedAt,
            finishedAt: timestamp(clock.now()),
            ...(typeof message === 'string' ? { message } : {}),
          },
        },
        signal,
      );
  }

  /** Writes only what is new. */
  async say(news: MemberNews, signal: AbortSignal): Promise<void> {
    const [client, clock] = [this.#client, this.#clock];
    const status = memberStatus(this.machine, news, timestamp(clock.now()));
    if (sameStatus(this.machine.status, status)) return;
    const { namespace = '', name } = this.machine.metadata;
    const changed = await client.patch<Machine>(
      MACHINES,
      namespace,
      name,
      'status',
      'merge',
      { status },
      signal,
    );
    // Permits and targets are those of the beginning: what changed meanwhile is looked at the next time.
    this.machine = { ...this.machine, status: changed.status ?? status };
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
