// Keeps one replica a prefix of the primary: connects, finds out how the two logs relate, brings it up to date, then sends what comes.
// Whatever fails, it starts over, ever more slowly; nobody waits for it but those whose ack policy says so.
import { CompactedError, CorruptDataError, EpochLostError } from '../errors.ts';
import type { InstanceReport } from '../log.ts';
import type { MachineId } from '../machine-id.ts';
import type { Cursor } from '../provider.ts';
import { statusOf } from '../provider-status.ts';
import { unfinishedCopy } from '../unfinished.ts';
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import { errorOf, watchAnswer } from './answering.ts';
import { Breaker } from './breaker.ts';
import { foreignClaim, mayBeAcknowledged } from './choice.ts';
import { readClaims } from './claim.ts';
import type { Claim } from './claim.ts';
import { catchUp } from './catching-up.ts';
import { copyWhole } from './copying.ts';
import type { ManagedInstance } from './instance.ts';
import { InstanceMonitor } from './instance-monitor.ts';
import { isSuperseded, isWholeHistory, relationOf } from './relation.ts';
import type { LogHead } from './relation.ts';
import { foreignData, LeftAloneError, TakenOverError } from './replica-errors.ts';
import { APPEND_BYTES, Sending } from './sending.ts';
import type { Tail } from './tail.ts';

const RETRY_MS = 250;
/** A replica that has not kept up for so long is lost: see ackVerdict(). */
export const LOST_MS = 5_000;

/** What a replica needs of the log that it follows. */
export interface ReplicaSource {
  readonly instance: ManagedInstance;
  /** Of this process. */
  readonly claim: Claim;
  /** The primary's claims and newest durable revision. */
  readonly head: LogHead;
  readonly compacted: number;
  readonly tail: Tail;
  /** Whether somebody waits for this replica: writers, or who wants it to be the primary. */
  isAwaited(): boolean;
  /** Resolves when the primary is not being compacted, and keeps it so until the returned function is called. */
  holdCompaction(): Promise<() => void>;
}

export interface ReplicaOptions {
  readonly instance: ManagedInstance;
  readonly machineId: MachineId;
  readonly source: ReplicaSource;
  /** The epoch that open() took on it, which the choice of the start rests on. */
  readonly token: number | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly report: () => InstanceReport;
  readonly changed: (now: InstanceReport, before: InstanceReport) => void;
  /** It has more than before, or its chances have changed. */
  readonly progressed: () => void;
  /** A batch is durable there, after so many seconds. */
  readonly persisted: (seconds: number) => void;
  /** Another control plane has taken over. */
  readonly fenced: (error: EpochLostError) => void;
}

export class Replica {
  readonly instance: ManagedInstance;
  readonly monitor: InstanceMonitor;
  readonly #options: ReplicaOptions;
  readonly #source: ReplicaSource;
  readonly #breaker: Breaker;
  readonly #sending: Sending;
  readonly #stop = new AbortController();
  #token: number | undefined;
  /** Until the start is over, a lost token means that the choice was made on old news. */
  #isStarting = true;
  #revision = 0;
  #round = new AbortController();
  #wake: () => void = () => undefined;
  #stalledSince: number | undefined;
  #cancelLost: () => void = () => undefined;
  #resync: PromiseWithResolvers<void> | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.instance = options.instance;
    this.#source = options.source;
    this.#token = options.token;
    this.#sending = new Sending(options.instance);
    this.#breaker = new Breaker(options.clock, options.random);
    this.monitor = new InstanceMonitor({ ...options, state: 'CatchingUp' });
    this.#stall();
  }

  /** The newest revision that is durable there, as far as known. */
  get revision(): number {
    return this.#revision;
  }

  /** The epoch that is held there; 0 when none is. */
  get token(): number {
    return this.#token ?? 0;
  }

  /** Has not kept up for longer than a write should wait. */
  get isLost(): boolean {
    return this.stalledMs >= LOST_MS;
  }

  /** How long it has not kept up, in milliseconds. */
  get stalledMs(): number {
    const since = this.#stalledSince;
    return since === undefined ? 0 : this.#options.clock.monotonic() - since;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** The claim is acknowledged: from now on a token that somebody else's start has taken is taken back. */
  startIsOver(): void {
    this.#isStarting = false;
  }

  /** There is more in the tail. */
  wake(): void {
    this.#wake();
  }

  /** Sets aside what it holds and makes a copy of the whole. */
  resync(): Promise<void> {
    this.#resync ??= Promise.withResolvers<void>();
    this.#round.abort();
    return this.#resync.promise;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#round.abort();
    this.#cancelLost();
    this.#resync?.reject(new Error(`Cannot make ${this.instance.name} anew: the log is closed`));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#options;
    while (!this.#stop.signal.aborted) {
      this.#round = new AbortController();
      const { signal } = this.#round;
      signal.addEventListener('abort', () => this.#wake(), { once: true });
      let isConnected = false;
      try {
        await this.#connect(signal);
        isConnected = true;
        await this.#feed(signal);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        if (signal.aborted) continue;
        this.#failed(errorOf(error), isConnected);
        if (this.monitor.state === 'Fenced') return;
        const delay = Math.max(this.#breaker.waitMs, RETRY_MS * (1 + random()));
        await sleep(clock, delay, this.#round.signal).catch(() => undefined);
      }
    }
  }

  #failed(error: Error, isConnected: boolean): void {
    const { provider, name } = this.instance;
    this.#stall();
    if (error instanceof TakenOverError) {
      this.monitor.become('Fenced', error.cause);
      this.#options.fenced(error.cause);
      return;
    }
    this.#resync?.reject(error);
    this.#resync = undefined;
    if (error instanceof LeftAloneError) {
      this.#breaker.trip();
      this.monitor.become('Diverged', error);
      return;
    }
    this.#breaker.failed();
    // A refused append may mean no more than that somebody was faster, or an answer was lost: connecting anew tells.
    const isCorrupt = error instanceof CorruptDataError && (!isConnected || this.#breaker.isOpen);
    // A single slip is tried again before anybody is told.
    if (this.#breaker.isOpen || isCorrupt || !statusOf(provider, name).status) {
      this.monitor.become(isCorrupt ? 'Corrupt' : 'Down', error);
    } else this.monitor.become('CatchingUp', error);
    this.#options.progressed();
  }

  /** Afterwards the replica is a prefix of the primary that history reaches back to. */
  async #connect(signal: AbortSignal): Promise<void> {
    const { name, keepsLog } = this.instance;
    if (this.monitor.state === 'Corrupt') return this.#replaceDamaged(signal);
    const head = await this.#answer(() => this.#head());
    this.#revision = 0;
    const isMember = this.#source.claim.members.includes(name);
    if (this.#resync !== undefined) return this.#copyWhole(signal, head.revision > 0);
    switch (relationOf(this.#source.head, head)) {
      case 'Empty':
        // What came before claims is not known to be shared, and of one that the claim does not name the beginning would be taken for
        // all: such a log is copied all or nothing. Without a log there may be objects left of a copy that was cut short.
        if (!keepsLog || head.isUnfinished || !isMember || !isWholeHistory(this.#source))
          return this.#copyWhole(signal, false);
        break;
      case 'Prefix':
        if (head.revision < this.#source.compacted) return this.#copyWhole(signal, false);
        break;
      case 'Diverged':
        this.#leaveAlone(head);
        this.monitor.become('Diverged');
        return this.#copyWhole(signal, true);
      case 'Foreign':
        if (keepsLog) throw foreignData(name);
        this.monitor.become('Diverged');
        return this.#copyWhole(signal, true);
    }
    this.#revision = head.revision;
    if (this.monitor.state !== 'Up') this.monitor.become('CatchingUp');
  }

  /** Opens it where it is closed, and takes the epoch where it is not ours. */
  async #head(): Promise<LogHead & { readonly isUnfinished: boolean }> {
    const { provider, name, keepsLog } = this.instance;
    if (!statusOf(provider, name).status) await provider.initialize(this.#options.machineId);
    let cursor = await provider.cursor(name);
    if (this.#token === undefined || cursor.epoch !== this.#token)
      cursor = await this.#claim(cursor);
    const copy = keepsLog ? await unfinishedCopy(this.instance, cursor) : undefined;
    // Of another one it is somebody else's, as any other log.
    if (copy?.cluster === this.#source.claim.cluster)
      return { claims: [], revision: 0, isUnfinished: true };
    return { claims: await this.#claims(), revision: cursor.revision, isUnfinished: false };
  }

  /** One that hangs is Down until it answers. */
  #answer<T>(work: () => Promise<T>): Promise<T> {
    const cancel = watchAnswer(this.instance, this.#options.clock, (error) => {
      this.#stall();
      this.monitor.become('Down', error);
      this.#options.progressed();
    });
    return work().finally(cancel);
  }

  async #replaceDamaged(signal: AbortSignal): Promise<void> {
    const { provider, name } = this.instance;
    const cursor = await provider.cursor(name).catch(() => undefined);
    // Where it can still be read, somebody else may be writing there.
    if (cursor !== undefined && cursor.epoch !== this.#token) await this.#claim(cursor);
    // Asked to, we bar whoever has it; by ourselves only as the one who holds it.
    await this.#setAside(this.#resync === undefined ? this.#token : undefined);
    this.#token = (await provider.claimEpoch(name, this.#source.claim.epoch)).epoch;
    await this.#copyWhole(signal, false);
  }

  async #setAside(epoch: number | undefined): Promise<void> {
    try {
      await this.instance.provider.setAside(this.instance.name, epoch);
    } catch (error) {
      // Perhaps of somebody who has gone no further: taken again, unless the log shows that they go on.
      if (error instanceof EpochLostError && !this.#isStarting) this.#token = undefined;
      throw error;
    }
  }

  /** Takes the epoch there, unless the log shows that somebody else goes on with it. */
  async #claim({ epoch: found }: Cursor): Promise<Cursor> {
    const { provider, name, keepsLog } = this.instance;
    const held = this.#token;
    if (keepsLog) {
      if (held !== undefined && this.#isStarting) throw new TakenOverError(name, held, found);
      await this.#claims();
    } else if (held !== undefined && found > held && this.#resync === undefined) {
      // Two that take it from each other would copy without end.
      throw new LeftAloneError(
        `${name} is written by another control plane now; give each its own place, or make it anew with: windlass persistence resync ${name}`,
      );
    }
    const cursor = await provider.claimEpoch(name, this.#source.claim.epoch);
    this.#token = cursor.epoch;
    return cursor;
  }

  /** @throws TakenOverError when somebody else's claim is as new as ours, in a log: others decide nothing */
  async #claims(): Promise<readonly Claim[]> {
    const { claim } = this.#source;
    const { provider, name, keepsLog } = this.instance;
    const claims = await readClaims(provider, name);
    if (keepsLog && isSuperseded(claim, claims))
      throw new TakenOverError(name, claim.epoch, claims.at(-1)?.epoch ?? 0);
    return claims;
  }

  /** @throws LeftAloneError for a log that somebody else went on with and may have acknowledged writes from */
  #leaveAlone(head: LogHead): void {
    const { name } = this.instance;
    const claim = foreignClaim(this.#source.head, head);
    if (claim === undefined || !mayBeAcknowledged(claim, new Set(claim.members))) return;
    if (!claim.members.includes(name)) return;
    throw new LeftAloneError(
      `${name} was written by ${claim.host} at ${new Date(claim.at).toISOString()} without what this log holds, and may have acknowledged writes of its own; look at it, then make it anew with: windlass persistence resync ${name}`,
    );
  }

  async #copyWhole(signal: AbortSignal, aside: boolean): Promise<void> {
    const release = await this.#source.holdCompaction();
    try {
      if (aside) await this.#setAside(this.#token);
      this.monitor.become('NeedsFullSync');
      this.#revision = await copyWhole(this.#copying(signal), this.#source.claim.cluster);
    } finally {
      release();
    }
    this.#breaker.succeeded();
    this.monitor.become('CatchingUp');
    this.#resync?.resolve();
    this.#resync = undefined;
    this.#options.progressed();
  }

  async #feed(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const entries = this.#source.tail.after(this.#revision, APPEND_BYTES);
      const last = entries?.at(-1)?.last;
      if (entries !== undefined && last !== undefined) {
        if (this.monitor.state === 'Up') this.#stall();
        const wasNewest = last >= this.#source.head.revision;
        const { clock, persisted } = this.#options;
        const began = clock.monotonic();
        await this.#answer(() => this.#sending.append(entries, this.#token ?? 0));
        persisted((clock.monotonic() - began) / 1_000);
        this.#advance(last);
        // Under load there is always more; what counts is that one append brought it up to date.
        if (wasNewest) this.#keepsUp();
        continue;
      }
      if (this.#revision >= this.#source.head.revision) {
        this.#keepsUp();
        this.#sending.rest();
        await this.#woken();
        continue;
      }
      this.monitor.become('CatchingUp');
      this.#stall();
      await this.#catchUp(signal);
    }
  }

  async #catchUp(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const onProgress = (revision: number): void => this.#advance(revision);
    const catching = { ...this.#copying(signal), log: this.#source, clock, onProgress };
    try {
      await catchUp(catching, this.#revision);
    } catch (error) {
      if (!(error instanceof CompactedError)) throw error;
      await this.#copyWhole(signal, false);
    }
  }

  #copying(signal: AbortSignal) {
    const source = this.#source.instance;
    return { source, target: this.instance, token: this.#token ?? 0, signal };
  }

  #advance(revision: number): void {
    this.#revision = revision;
    this.#breaker.succeeded();
    if (this.monitor.state === 'Down') this.monitor.become('CatchingUp');
    if (this.monitor.state === 'Up') {
      this.#cancelLost();
      this.#stalledSince = undefined;
    }
    this.#options.progressed();
  }

  #keepsUp(): void {
    this.#cancelLost();
    this.#stalledSince = undefined;
    this.#breaker.succeeded();
    if (this.monitor.state === 'Up') return;
    this.monitor.become('Up');
    this.#options.progressed();
  }

  #stall(): void {
    if (this.#stalledSince !== undefined) return;
    const { clock, progressed } = this.#options;
    this.#stalledSince = clock.monotonic();
    this.#cancelLost = clock.schedule(LOST_MS, progressed);
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
