// What the hosts of a cluster say of themselves before anything is done to them: names, clocks, what runs there. Asked all at once and
// remembered for a while.
import type { Clock } from '#platform/clock.ts';
import type { HostDriver } from '../hosts/host-driver.ts';
import type { HostNotes } from './plan-types.ts';
import type { Machine } from './types.ts';

export interface HostNotesOptions {
  readonly clock: Clock;
  /** Undefined for machines that are not reached as hosts. */
  readonly open: (machine: Machine, signal: AbortSignal) => Promise<HostDriver | undefined>;
  readonly runningRole: (host: HostDriver, signal: AbortSignal) => Promise<string | undefined>;
}

const KEPT_MS = 300_000;
const WITHIN_MS = 20_000;

interface Kept {
  readonly notes: HostNotes;
  readonly at: number;
}

export class HostNotesReader {
  readonly #options: HostNotesOptions;
  readonly #kept = new Map<string, Kept>();

  constructor(options: HostNotesOptions) {
    this.#options = options;
  }

  /** Of those that answer: who does not is another's to say. */
  async read(
    machines: readonly Machine[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, HostNotes>> {
    const found = await Promise.all(
      machines.map(async (machine) => {
        const notes = await this.#of(machine, signal);
        return notes === undefined ? [] : [[machine.metadata.name, notes] as const];
      }),
    );
    signal.throwIfAborted();
    return new Map(found.flat());
  }

  async #of(machine: Machine, signal: AbortSignal): Promise<HostNotes | undefined> {
    const { clock } = this.#options;
    const { uid } = machine.metadata;
    const kept = this.#kept.get(uid);
    if (kept !== undefined && clock.monotonic() - kept.at < KEPT_MS) return kept.notes;
    const ending = new AbortController();
    const cancel = clock.schedule(WITHIN_MS, () => ending.abort(new Error('no answer in time')));
    try {
      const notes = await this.#ask(machine, AbortSignal.any([signal, ending.signal]));
      if (notes === undefined) return undefined;
      if (this.#kept.size > 10_000) this.#kept.clear();
      this.#kept.set(uid, { notes, at: clock.monotonic() });
      return notes;
    } catch {
      return undefined;
    } finally {
      cancel();
    }
  }

  async #ask(machine: Machine, signal: AbortSignal): Promise<HostNotes | undefined> {
    const { clock, open, runningRole } = this.#options;
    const host = await open(machine, signal);
    if (host === undefined) return undefined;
    try {
      const before = clock.now();
      const { hostname, clockMillis } = await host.facts(signal);
      // The answer was made somewhere in between.
      const clockOffsetMs = clockMillis - (before + clock.now()) / 2;
      const role = await runningRole(host, signal);
      return { hostname, clockOffsetMs, ...(role === undefined ? {} : { runningRole: role }) };
    } finally {
      await host[Symbol.asyncDispose]();
    }
  }
}
