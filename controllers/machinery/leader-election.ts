// Leader election: of several processes that would do the same, one works, as long as it renews a Lease (coordination.k8s.io). Times
// and record are client-go's (tools/leaderelection), with one difference: who stops gives the Lease back after its work has ended, not before.
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import type { LogFields, Logger } from '#platform/logging.ts';
import type { Client } from './client-types.ts';
import { Deadline } from './deadline.ts';
import { firstHeldBy, heldBy, observe, otherLeader, released } from './leader-record.ts';
import type { LeaderLease, LeaderRecord, Observation } from './leader-record.ts';
import { isAlreadyExists, isConflict, isNotFound } from './request-error.ts';
import { LEASES } from './resources.ts';

export interface LeaderElectionSettings {
  readonly namespace: string;
  /** Of the Lease. */
  readonly name: string;
  /** How long others wait after the last renewal that they saw. */
  readonly leaseDurationMs: number;
  /** Without a renewal for so long, the leader stops. */
  readonly renewDeadlineMs: number;
  /** Between attempts to lead, and between renewals. */
  readonly retryPeriodMs: number;
}

export interface LeaderElectionOptions extends LeaderElectionSettings {
  readonly client: Pick<Client, 'get' | 'create' | 'update'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** In [0, 1): keeps those who wait from asking all at once. */
  readonly random: () => number;
  /** Tells this process from all others. */
  readonly identity: string;
}

/** Retry periods are this much longer at most for those who wait. */
const JITTER = 1.2;
/** How long a leader that stops tries to give the Lease back; after that it runs out by itself. */
const RELEASE_MS = 5_000;

/** @returns what is wrong with the times, in words that name the flags of the command line */
export function leaderElectionProblem(settings: LeaderElectionSettings): string | undefined {
  const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = settings;
  if (leaseDurationMs < 1_000) return 'the lease duration must be at least 1 s';
  if (retryPeriodMs <= 0) return 'the retry period must be longer than 0 s';
  if (leaseDurationMs <= renewDeadlineMs)
    return 'the lease duration must be longer than the renew deadline, or two could lead at once';
  if (renewDeadlineMs <= retryPeriodMs * JITTER)
    return `the renew deadline must be longer than ${JITTER} times the retry period, or one failed renewal would end the work`;
  return undefined;
}

/**
 * Waits until this process leads, then runs `work` until the signal aborts.
 *
 * @param work gets a signal that aborts when the caller's does, or when the lead is lost
 * @throws Error when the lead was lost: the process must start over; and what `work` throws
 */
export async function lead(
  options: LeaderElectionOptions,
  work: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const election = new Election(options);
  try {
    await election.win(signal);
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  }
  const ending = new AbortController();
  const renewing = new AbortController();
  const lifetime = AbortSignal.any([signal, ending.signal]);
  const renewal = election.keep(renewing.signal).catch((error: unknown) => {
    ending.abort(error);
    throw error;
  });
  try {
    // Both are waited for: the Lease is only given back when nothing is done in its name any more.
    const [worked, kept] = await Promise.allSettled([
      work(lifetime).finally(() => renewing.abort(new Error('the work has ended'))),
      renewal,
    ]);
    if (kept.status === 'rejected') throw kept.reason;
    if (worked.status === 'rejected') throw worked.reason;
  } finally {
    await election.release();
  }
}

class Election {
  readonly #options: LeaderElectionOptions;
  #observed: Observation | undefined;
  #lease: LeaderLease | undefined;
  /** When the last renewal that succeeded was begun, on the monotonic clock. */
  #renewedAt = 0;
  #leads = false;
  #told: string | undefined;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
  }

  /** Resolves when this process leads. */
  async win(signal: AbortSignal): Promise<void> {
    const { clock, retryPeriodMs, random, logger, name, namespace } = this.#options;
    while (!(await this.#try(signal)))
      await sleep(clock, retryPeriodMs * (1 + (JITTER - 1) * random()), signal);
    this.#leads = true;
    logger.info('This process leads', { lease: `${namespace}/${name}` });
  }

  /** Renews until the signal aborts. @throws Error when that failed for too long, or somebody else leads */
  async keep(signal: AbortSignal): Promise<void> {
    const { clock, retryPeriodMs, renewDeadlineMs, name, namespace } = this.#options;
    const lost = (why: string): Error => new Error(`Lost the Lease ${namespace}/${name}: ${why}`);
    for (;;) {
      try {
        await sleep(clock, Math.min(retryPeriodMs, this.#leftMs()), signal);
        if (await this.#try(signal)) continue;
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      const rival = this.#rival();
      if (rival !== undefined) throw lost(`${rival} leads now`);
      if (this.#leftMs() <= 0) throw lost(`not renewed within ${renewDeadlineMs / 1_000} s`);
    }
  }

  /** Until the lead is lost, if no renewal succeeds. */
  #leftMs(): number {
    const { clock, renewDeadlineMs } = this.#options;
    return Math.max(0, this.#renewedAt + renewDeadlineMs - clock.monotonic());
  }

  /** Lets the next one lead at once. Never fails: else the Lease runs out. */
  async release(): Promise<void> {
    const { client, clock, logger, identity } = this.#options;
    const lease = this.#lease;
    if (lease?.spec?.holderIdentity !== identity) return;
    const deadline = new Deadline(clock, RELEASE_MS, 'the Lease was not given back in time');
    try {
      const spec = released(lease.spec, clock.now());
      await client.update(LEASES, { ...lease, spec }, '', deadline.signal);
    } catch (error) {
      logger.info('Cannot give the Lease back; it runs out by itself', { error });
    } finally {
      deadline.end();
    }
  }

  #rival(): string | undefined {
    const { identity, clock } = this.#options;
    const observed = this.#observed;
    return observed && otherLeader(observed, identity, clock.monotonic());
  }

  /** One attempt to lead or to go on leading. False when that is somebody else's, or the server did not let us. */
  async #try(signal: AbortSignal): Promise<boolean> {
    const { clock, renewDeadlineMs } = this.#options;
    const began = clock.monotonic();
    // One request that hangs leaves time for another.
    const mostMs = Math.max(1_000, renewDeadlineMs / 2);
    const timeoutMs = this.#leads ? Math.min(mostMs, this.#leftMs()) : mostMs;
    const deadline = new Deadline(clock, timeoutMs, `no answer within ${timeoutMs / 1_000} s`);
    try {
      if (!(await this.#write(AbortSignal.any([signal, deadline.signal])))) return false;
      this.#renewedAt = began;
      return true;
    } catch (error) {
      if (signal.aborted) throw error;
      // It was changed, made or deleted by somebody else: the next attempt reads it again.
      if (isConflict(error) || isAlreadyExists(error) || isNotFound(error)) this.#lease = undefined;
      else this.#tell('Cannot write the Lease that says who leads, trying again', { error });
      return false;
    } finally {
      deadline.end();
    }
  }

  /** @returns false when somebody else leads */
  async #write(signal: AbortSignal): Promise<boolean> {
    const { client, clock, identity, leaseDurationMs, name, namespace } = this.#options;
    const lease = this.#isMine() ? this.#lease : await this.#read(signal);
    if (lease === undefined) {
      const spec = firstHeldBy(identity, leaseDurationMs, clock.now());
      const metadata = { name, namespace };
      const object = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
      this.#see(await client.create<LeaderLease>(LEASES, namespace, object, signal));
      return true;
    }
    const rival = this.#rival();
    if (rival !== undefined) {
      this.#tell(`Another process leads: ${rival}; waiting`, { lease: `${namespace}/${name}` });
      return false;
    }
    const spec = heldBy(identity, lease.spec ?? {}, leaseDurationMs, clock.now());
    // With the resourceVersion that was read: of two who take it, one is refused.
    this.#see(await client.update<LeaderLease>(LEASES, { ...lease, spec }, '', signal));
    return true;
  }

  async #read(signal: AbortSignal): Promise<LeaderLease | undefined> {
    const { client, name, namespace } = this.#options;
    try {
      const lease = await client.get<LeaderLease>(LEASES, namespace, name, signal);
      this.#see(lease);
      return lease;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #see(lease: LeaderLease): void {
    const record: LeaderRecord = lease.spec ?? {};
    this.#lease = lease;
    this.#observed = observe(this.#observed, record, this.#options.clock.monotonic());
  }

  #isMine(): boolean {
    return this.#lease?.spec?.holderIdentity === this.#options.identity;
  }

  /** The same thing once only. */
  #tell(message: string, fields: LogFields): void {
    if (this.#told === message) return;
    this.#told = message;
    this.#options.logger.info(message, fields);
  }
}
