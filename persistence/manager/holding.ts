// Who uses what several machines can open. A note beside the data is renewed while a control plane holds it; another one waits as a
// standby until the note has not changed for a while. Only politeness: it decides when a standby may try, never who may write. That is
// the epoch's, so that no clock has to be right and a holder that was stopped for a minute does no harm.
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import { jsonFields } from '#platform/json-fields.ts';
import type { MachineId } from '../machine-id.ts';
import type { ManagedInstance } from './instance.ts';

/** Between two renewals of a note, and between two looks at somebody else's. */
export const RENEWAL_MS = 5_000;
/** A note that stays the same for so long, by the standby's own clock, is nobody's any more. */
export const EXPIRY_MS = 15_000;
const RELEASE_DEADLINE_MS = 2_000;

export interface HoldingOptions {
  readonly instances: readonly ManagedInstance[];
  readonly machineId: MachineId;
  /** Which of all copies of a data directory with this machine id it is; absent where there is no directory. */
  readonly home?: string;
  /** Name of this machine, for people. */
  readonly host: string;
  /** Of this run; no other has it. */
  readonly run: string;
  readonly clock: Clock;
  /** Somebody else holds an instance: said once for each holder. */
  readonly waiting: (text: string) => void;
}

interface Note {
  readonly machine: string;
  /** Absent in what earlier releases wrote. */
  readonly home: string | undefined;
  readonly host: string;
  readonly run: string;
  /** Grows with each renewal. */
  readonly beat: number;
  /** False once its holder has stopped. */
  readonly isHeld: boolean;
}

export class Holding {
  readonly #options: HoldingOptions;
  #shared: readonly ManagedInstance[];
  readonly #renewing = new AbortController();
  #beat = 0;
  #renewal: Promise<void> = Promise.resolve();

  constructor(options: HoldingOptions) {
    this.#options = options;
    this.#shared = options.instances.filter(({ provider }) => provider.holders !== undefined);
  }

  /** Resolves when nobody else holds any instance that can be looked at. Rejects with the signal's reason. */
  async waitUntilFree(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#shared.map((instance) => this.#waitFor(instance, signal)));
  }

  /** From now on until release(). */
  keep(): void {
    if (this.#shared.length > 0) this.#renewal = this.#renew();
  }

  /** This one too, from now on. */
  add(instance: ManagedInstance): void {
    if (instance.provider.holders === undefined) return;
    const isFirst = this.#shared.length === 0;
    this.#shared = [...this.#shared, instance];
    if (isFirst) this.keep();
  }

  /** This one no more: its note is as a stop in peace leaves it. */
  async remove(instance: ManagedInstance): Promise<void> {
    if (!this.#shared.includes(instance)) return;
    this.#shared = this.#shared.filter((other) => other !== instance);
    const late = new AbortController();
    await Promise.race([
      this.#write(false, [instance]),
      sleep(this.#options.clock, RELEASE_DEADLINE_MS, late.signal).catch(() => undefined),
    ]);
    late.abort();
  }

  /** Lets a standby go on at once. Whoever lost its epoch leaves the note as it is: it is somebody else's. */
  async release(hasLost: boolean): Promise<void> {
    if (this.#renewing.signal.aborted) return;
    this.#renewing.abort(new Error('The log is closed'));
    await this.#renewal;
    if (hasLost || this.#beat === 0) return;
    const late = new AbortController();
    await Promise.race([
      this.#write(false),
      sleep(this.#options.clock, RELEASE_DEADLINE_MS, late.signal).catch(() => undefined),
    ]);
    late.abort();
  }

  async #waitFor(
    { provider, name, location }: ManagedInstance,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, waiting } = this.#options;
    let seen: string | undefined;
    let told: string | undefined;
    let unchangedSince = clock.monotonic();
    for (;;) {
      // What cannot be read cannot be claimed either: the start sees to that.
      const text = (await provider.holders?.read(name).catch(() => undefined))?.text;
      const note = text === undefined ? undefined : parseNote(text);
      if (note === undefined || !note.isHeld || this.#isOwn(note)) return;
      const now = clock.monotonic();
      if (text !== seen) unchangedSince = now;
      if (now - unchangedSince >= EXPIRY_MS) return;
      seen = text;
      if (told !== note.run)
        waiting(
          `standby: ${location} is held by the control plane on ${note.host}${this.#isCopied(note) ? ', of whose data directory this one has a copy' : ''}; this one takes over when that one stops, or has not been heard of for ${EXPIRY_MS / 1_000} seconds (or now, with --takeover)`,
        );
      told = note.run;
      await sleep(clock, RENEWAL_MS, signal);
    }
  }

  /** One process at a time has a data directory, so it is of a run that is over. */
  #isOwn(note: Note): boolean {
    return note.machine === this.#options.machineId && !this.#isCopied(note);
  }

  /** The machine id came along with a copy; who has the original may well run. */
  #isCopied({ machine, home }: Note): boolean {
    const { machineId, home: own } = this.#options;
    return machine === machineId && home !== undefined && own !== undefined && home !== own;
  }

  async #renew(): Promise<void> {
    const { signal } = this.#renewing;
    while (!signal.aborted) {
      await this.#write(true);
      await sleep(this.#options.clock, RENEWAL_MS, signal).catch(() => undefined);
    }
  }

  /** An instance that cannot be reached gets its note with the next beat; until then its data cannot be reached either. */
  async #write(isHeld: boolean, shared = this.#shared): Promise<void> {
    const { machineId, home, host, run } = this.#options;
    this.#beat += 1;
    const note: Note = { machine: machineId, home, host, run, beat: this.#beat, isHeld };
    const text = JSON.stringify(note);
    await Promise.all(
      shared.map(async ({ provider, name }) => {
        await provider.holders?.write(name, text).catch(() => undefined);
      }),
    );
  }
}

function parseNote(text: string): Note | undefined {
  const { machine, home, host, run, beat, isHeld } = jsonFields(text) ?? {};
  if (typeof machine !== 'string' || typeof host !== 'string' || typeof run !== 'string')
    return undefined;
  const where = typeof home === 'string' ? home : undefined;
  return { machine, home: where, host, run, beat: Number(beat), isHeld: isHeld === true };
}
