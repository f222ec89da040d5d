// The instance that gets every write first. After passing trouble its breaker answers at once instead of letting each write run
// into the same deadline, and looks by itself whether the instance is back.
import {
  CorruptDataError,
  EpochLostError,
  StorageFailedError,
  StorageFullError,
  StorageUnreachableError,
} from '../errors.ts';
import { revisionsOf } from '../encoding.ts';
import type { InstanceReport } from '../log.ts';
import { statusOf } from '../provider-status.ts';
import type { Clock } from '#platform/clock.ts';
import { errorOf, watchAnswer } from './answering.ts';
import { Breaker } from './breaker.ts';
import type { ManagedInstance } from './instance.ts';
import { InstanceMonitor } from './instance-monitor.ts';
import { toldMessage } from './told-message.ts';

const PROBES = { initialMs: 500, maximumMs: 5_000, jitter: 0.3 };
/** So long after a write was refused it is called Up again although nobody has tried another. */
const QUIET_MS = 60_000;

export interface PrimaryOptions {
  readonly instance: ManagedInstance;
  readonly token: number;
  readonly revision: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly report: () => InstanceReport;
  readonly changed: (now: InstanceReport, before: InstanceReport) => void;
  /** A write has not been answered for too long; undefined: it is now. */
  readonly stalled: (reason: Error | undefined) => void;
}

export class Primary {
  readonly instance: ManagedInstance;
  readonly token: number;
  readonly monitor: InstanceMonitor;
  readonly #clock: Clock;
  readonly #stalled: PrimaryOptions['stalled'];
  #stall: Error | undefined;
  readonly #breaker: Breaker;
  #revision: number;
  /** A write has succeeded since the last probe that did: what can be read may not be there to write to. */
  #wasWritten = true;
  /** Of what finds out, or waits for, its being Up again. */
  #cancelProbe: () => void = () => undefined;

  constructor(options: PrimaryOptions) {
    this.instance = options.instance;
    this.token = options.token;
    this.#revision = options.revision;
    this.#clock = options.clock;
    this.#stalled = options.stalled;
    this.#breaker = new Breaker(options.clock, options.random, PROBES);
    this.monitor = new InstanceMonitor({ ...options, state: 'Up' });
  }

  /** The newest that is durable. */
  get revision(): number {
    return this.#revision;
  }

  /** Why nobody knows at present what becomes of the write under way. */
  get stall(): Error | undefined {
    return this.#stall;
  }

  async append(batch: ArrayBuffer): Promise<void> {
    const { provider, name } = this.instance;
    await this.#write(batch, () => provider.append(name, batch));
  }

  /** @returns the revision before it, and the batch to be sent on */
  async appendAndReturn(
    batch: ArrayBuffer,
  ): Promise<{ readonly base: number; readonly batch: ArrayBuffer }> {
    const { provider, name } = this.instance;
    let returned = batch;
    const base = await this.#write(batch, async () => {
      if (provider.appendAndReturn !== undefined) {
        returned = await provider.appendAndReturn(name, batch);
        return;
      }
      // It takes the buffer over.
      const copy = batch.slice(0);
      await provider.append(name, batch);
      returned = copy;
    });
    return { base, batch: returned };
  }

  /** @returns the revision before it */
  async #write(batch: ArrayBuffer, append: () => Promise<void>): Promise<number> {
    const { location } = this.instance;
    const last = this.#breaker.isOpen ? 0 : revisionsOf(batch).last;
    if (last === 0) {
      const why = this.monitor.lastError?.message ?? 'it does not answer';
      throw new StorageUnreachableError(
        // A reason that names the place is a sentence already.
        /^Cannot (?:use|write to) /.test(why) ? why : `Cannot write to ${location}: ${why}`,
      );
    }
    const cancel = this.#watch();
    try {
      await append();
    } catch (cause) {
      const error = understood(cause, location);
      this.#failed(error);
      throw error;
    } finally {
      cancel();
      this.#answered();
    }
    const base = this.#revision;
    this.#revision = last;
    this.#wasWritten = true;
    this.#breaker.succeeded();
    this.#cancelProbe();
    if (this.monitor.state !== 'Up') this.monitor.become('Up');
    return base;
  }

  stop(): void {
    this.#cancelProbe();
  }

  #watch(): () => void {
    return watchAnswer(this.instance, this.#clock, (error) => {
      this.#stall = error;
      this.monitor.become('Down', error);
      this.#stalled(error);
    });
  }

  #answered(): void {
    if (this.#stall === undefined) return;
    this.#stall = undefined;
    this.#stalled(undefined);
  }

  #failed(error: Error): void {
    if (error instanceof EpochLostError) return this.monitor.become('Fenced', error);
    if (error instanceof CorruptDataError) return this.monitor.become('Corrupt', error);
    const { provider, name } = this.instance;
    if (error instanceof StorageFailedError) return this.monitor.become('Down', error);
    if (!(error instanceof StorageUnreachableError)) {
      this.monitor.become('Down', error);
      // A full disk answers at once and is full no longer from one moment to the next: each write is tried.
      if (statusOf(provider, name).status) this.#upWhenQuiet();
      return;
    }
    this.#breaker.failed();
    if (!this.#breaker.isOpen) return;
    this.monitor.become('Down', error);
    this.#probeLater();
  }

  #probeLater(): void {
    this.#cancelProbe();
    this.#cancelProbe = this.#clock.schedule(this.#breaker.waitMs, () => void this.#probe());
  }

  async #probe(): Promise<void> {
    try {
      await this.instance.provider.cursor(this.instance.name);
    } catch (error) {
      this.#breaker.failed();
      this.monitor.become('Down', errorOf(error));
      this.#probeLater();
      return;
    }
    this.#breaker.succeeded();
    // After the second answer with no write in between it is the writes that are refused: one of them will tell.
    if (!this.#wasWritten) return this.#upWhenQuiet();
    this.#wasWritten = false;
    this.monitor.become('Up');
  }

  /** The next write that succeeds says so sooner, the next that fails begins anew. */
  #upWhenQuiet(): void {
    this.#cancelProbe();
    this.#cancelProbe = this.#clock.schedule(QUIET_MS, () => this.monitor.become('Up'));
  }
}

/** An error of somebody else's provider says nothing of what was kept, unless it says so in our words. */
function understood(error: unknown, location: string): Error {
  const known = [
    CorruptDataError,
    EpochLostError,
    StorageFailedError,
    StorageFullError,
    StorageUnreachableError,
  ];
  if (known.some((type) => error instanceof type)) return error as Error;
  const { name } = errorOf(error);
  const message = toldMessage(error);
  // Of another copy of the same class.
  if (name === 'StorageUnreachableError')
    return new StorageUnreachableError(message, { cause: error });
  if (name === 'StorageFullError') return new StorageFullError(location, { cause: error });
  return new StorageFailedError(
    `Cannot write to ${location}: ${message}; whether the write was kept is not known`,
    { cause: error },
  );
}
