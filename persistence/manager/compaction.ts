// Forgets history of the primary, as far as replicas let it, and the same of the replicas.
import { compactableThrough } from './compaction-hold.ts';
import type { Opened } from './opening.ts';
import type { Replica } from './replica.ts';

export class Compaction {
  #primary: Opened['primary'];
  #replicas: () => readonly Replica[];
  #compacted: number;
  #target = 0;
  #holds = 0;
  #running: Promise<void> | undefined;

  constructor({ primary, compacted }: Opened, replicas: () => readonly Replica[]) {
    this.#primary = primary;
    this.#compacted = compacted;
    this.#replicas = replicas;
  }

  /** Another one is the primary from now on. Only while held. */
  moveTo({ primary, compacted }: Opened, replicas: () => readonly Replica[]): void {
    this.#primary = primary;
    this.#compacted = compacted;
    this.#replicas = replicas;
  }

  /** History of the primary reaches back to here. */
  get compacted(): number {
    return this.#compacted;
  }

  /** What replicas hold back is forgotten once they let go of it. */
  async compact(through: number): Promise<void> {
    this.#target = Math.max(this.#target, through);
    await this.#run();
  }

  replicasProgressed(): void {
    if (this.#target <= this.#compacted) return;
    // Failing to forget harms nobody; the next round tries again.
    this.#run().catch(() => undefined);
  }

  /** Resolves when nothing is being forgotten, and keeps it so until the returned function is called. */
  async hold(): Promise<() => void> {
    this.#holds += 1;
    await this.#running?.catch(() => undefined);
    return () => {
      this.#holds -= 1;
    };
  }

  async #run(): Promise<void> {
    if (this.#running !== undefined || this.#holds > 0) return;
    const through = compactableThrough(
      this.#target,
      this.#replicas()
        .filter(({ monitor }) => ['Up', 'CatchingUp', 'Down'].includes(monitor.state))
        .map(({ revision, stalledMs }) => ({ revision, behindMs: stalledMs })),
    );
    if (through <= this.#compacted) return;
    this.#running = this.#forget(through);
    try {
      await this.#running;
    } finally {
      this.#running = undefined;
    }
  }

  async #forget(through: number): Promise<void> {
    // From here on, whoever is further behind needs a copy of the whole.
    const { provider, name } = this.#primary;
    await provider.compact(name, through);
    this.#compacted = through;
    const keepingUp = this.#replicas().filter(({ monitor }) => monitor.state === 'Up');
    await Promise.all(
      keepingUp.map(({ instance }) =>
        instance.provider.compact(instance.name, through).catch(() => undefined),
      ),
    );
  }
}
