// What an operator asks for with `windlass persistence promote`: judges whether it can be done, waits until the replica is near while
// writes go on, then lets them wait for the switch itself (promotion.ts), and goes on with whoever is the primary then.
import { EpochLostError } from '../errors.ts';
import type { InstanceReport, Promoted, PromoteOptions, Sequencer } from '../log.ts';
import type { MachineId } from '../machine-id.ts';
import type { Clock } from '#platform/clock.ts';
import type { AckRules } from './ack-policy.ts';
import type { ClaimBook, ClaimNotes } from './claim-book.ts';
import { keptBeside } from './claim.ts';
import type { Following } from './following.ts';
import type { ManagedInstance } from './instance.ts';
import type { Opened } from './opening.ts';
import { promoteIn, PromotionRefusedError } from './promotion.ts';
import type { Replica } from './replica.ts';

/** How much may be missing when writes begin to wait: two appends' worth. */
const NEAR_BYTES = 8 << 20;
/** How long writes wait for the replica to get the rest. */
const HOLD_MS = 5_000;
/** How long they wait, after the switch, for the others to have the claim too. */
const SETTLE_MS = 3_000;
const PASSING = new Set(['Up', 'CatchingUp', 'NeedsFullSync']);

export interface PromotingOptions {
  readonly instances: () => readonly ManagedInstance[];
  readonly machineId: MachineId;
  readonly host: string;
  readonly book: ClaimBook;
  readonly rules: AckRules;
  readonly clock: Clock;
  readonly warn: (message: string) => void;
  readonly following: () => Following;
  /** From now on. */
  readonly follow: (opened: Opened) => Following;
  readonly sequence: () => Sequencer | undefined;
  readonly notes: () => ClaimNotes;
  readonly noted: (notes: ClaimNotes) => void;
  readonly report: (name: string) => InstanceReport;
  readonly changed: (now: InstanceReport, before: InstanceReport) => void;
  readonly lost: (error: EpochLostError) => void;
}

export class Promoting {
  readonly #options: PromotingOptions;
  #underWay: string | undefined;

  constructor(options: PromotingOptions) {
    this.#options = options;
  }

  /** @throws Error for what must not happen to an instance while another one becomes the primary */
  refuseMeanwhile(instance: string): void {
    if (this.#underWay === undefined) return;
    throw new Error(
      `Cannot change ${instance}: ${this.#underWay} is becoming the primary at this moment; try again`,
    );
  }

  /** @throws PromotionRefusedError, the signal's reason, and what ends writing for good */
  async promote(target: ManagedInstance, options: PromoteOptions): Promise<Promoted> {
    if (this.#underWay !== undefined)
      throw new PromotionRefusedError(
        target.name,
        `${this.#underWay} is becoming the primary at this moment; try again`,
      );
    this.#underWay = target.name;
    try {
      const replica = this.#replicaFor(target);
      await this.#whenNear(replica, options);
      return await this.#switchInOrder(replica);
    } finally {
      this.#underWay = undefined;
    }
  }

  #replicaFor(target: ManagedInstance): Replica {
    const { name } = target;
    const { primary, replicas, refusal: blocked } = this.#options.following();
    if (!target.keepsLog)
      throw new PromotionRefusedError(
        name,
        'its provider keeps objects without a log, and so can only be a replica',
      );
    const replica = replicas.find(({ instance }) => instance === target);
    if (replica === undefined) throw new PromotionRefusedError(name, 'it is the primary already');
    if (primary.monitor.state !== 'Up')
      throw new PromotionRefusedError(
        name,
        `the primary, ${primary.instance.name}, is ${primary.monitor.state}, so that nobody can hand over; stop the server, and start it with the URL of ${name} first`,
      );
    if (blocked !== undefined)
      throw new PromotionRefusedError(name, `writes are blocked at present (${blocked.message})`);
    this.#refuseUnable(replica);
    return replica;
  }

  #refuseUnable({ instance, monitor }: Replica): void {
    if (PASSING.has(monitor.state)) return;
    const why = monitor.lastError === undefined ? '' : `: ${monitor.lastError.message}`;
    throw new PromotionRefusedError(
      instance.name,
      `it is ${monitor.state}${why}; only a replica that is Up can become the primary`,
    );
  }

  async #whenNear(replica: Replica, { catchUpMs, signal }: PromoteOptions): Promise<void> {
    const following = this.#options.following();
    // One that does not answer shows no progress, and writes never wait for it.
    const goal = following.primary.revision;
    const isNear = (): boolean =>
      replica.monitor.state === 'Up' &&
      replica.revision >= goal &&
      following.pendingBytes(replica.revision) <= NEAR_BYTES;
    const isOver = (): boolean => isNear() || !PASSING.has(replica.monitor.state);
    await following.until(isOver, catchUpMs, signal);
    signal.throwIfAborted();
    this.#refuseUnable(replica);
    if (isNear()) return;
    const missing = following.primary.revision - replica.revision;
    throw new PromotionRefusedError(
      replica.instance.name,
      `it is ${replica.monitor.state} and still lacks ${missing} changes after ${catchUpMs / 1_000} s; wait until windlass persistence status shows it Up without lag, or give it longer with --timeout`,
    );
  }

  async #switchInOrder(replica: Replica): Promise<Promoted> {
    const { following, sequence, clock } = this.#options;
    const run = sequence();
    const { name } = replica.instance;
    if (run === undefined) throw new PromotionRefusedError(name, 'nothing writes to the log yet');
    const { compaction, opened } = following();
    const release = await compaction.hold();
    let failure: unknown;
    let promoted: Promoted | undefined;
    try {
      // One more for each old claim that goes.
      const count = 1 + opened.claims.length - keptBeside(opened.claims).length;
      await run(count, async (first) => {
        const began = clock.monotonic();
        try {
          const previous = following().primary.instance.name;
          const { epoch, revision } = await this.#switch(replica, first);
          promoted = { previous, epoch, revision, heldMs: clock.monotonic() - began };
        } catch (error) {
          failure = error;
          throw error;
        }
      });
    } catch (error) {
      throw failure ?? error;
    } finally {
      release();
    }
    if (promoted === undefined) throw new TypeError('The switch has an outcome');
    return promoted;
  }

  /** Everything before is decided, and nothing else is written until this ends. */
  async #switch(replica: Replica, revision: number) {
    const { book, rules, host, machineId, clock, warn } = this.#options;
    const before = this.#options.following();
    const target = replica.instance;
    const newest = before.primary.revision;
    await before.until(() => replica.revision >= newest, HOLD_MS);
    if (replica.revision < newest || replica.monitor.state !== 'Up')
      throw new PromotionRefusedError(
        target.name,
        `it has not got the last ${newest - replica.revision} changes within ${HOLD_MS / 1_000} s, which writes have waited; try again when it is faster`,
      );
    const notes = this.#options.notes();
    const counter = notes.counter + 1;
    await book.write({ ...notes, counter }).catch((error: unknown) => {
      throw new PromotionRefusedError(target.name, `${(error as Error).message} (${book.place})`);
    });
    this.#options.noted({ ...notes, counter });
    const reports = this.#reports();
    await before.halt();
    const tokens = [before.primary, ...before.replicas].map(
      ({ instance, token }) => [instance.name, token] as const,
    );
    const { opened, refusal } = await promoteIn({
      opened: {
        ...before.opened,
        revision: newest,
        compacted: before.compaction.compacted,
        tokens: new Map(tokens.filter(([, token]) => token > 0)),
      },
      target,
      instances: this.#options.instances().filter(({ keepsLog }) => keepsLog),
      claim: { counter, machine: machineId, host, ...rules, revision },
      machineId,
      clock,
    }).catch((error: unknown) => {
      if (error instanceof EpochLostError) this.#options.lost(error);
      throw error;
    });
    const after = this.#options.follow(opened);
    after.startIsOver();
    if (refusal !== undefined) throw refusal;
    await this.#settle(before, after);
    const { claim } = opened;
    const kept = { ...notes, counter, claim, reached: after.reached() };
    this.#options.noted(kept);
    // The log has it; the book only helps to notice when all that has it is away at the next start.
    await book.write(kept).catch((error: unknown) => warn((error as Error).message));
    for (const report of reports) {
      const now = this.#options.report(report.name);
      if (now.role !== report.role) this.#options.changed(now, report);
    }
    return { epoch: after.primary.token, revision: claim.revision };
  }

  /** The claim is a write as any other. Where the old primary has it too, it alone could not be taken for the newest. */
  async #settle(before: Following, after: Following): Promise<void> {
    const old = before.primary.instance;
    const { revision } = after.primary;
    let isAcknowledged = false;
    const acknowledged = after.acknowledgements.reached(revision).then(
      () => (isAcknowledged = true),
      () => undefined,
    );
    const follows = after.replicas.find(({ instance }) => instance === old);
    const has = (): boolean => (follows?.revision ?? 0) >= revision;
    if (await after.until(has, SETTLE_MS))
      await Promise.race([acknowledged, after.until(() => isAcknowledged, SETTLE_MS)]);
    if (has()) return;
    this.#options.warn(
      `${after.primary.instance.name} is the primary, and ${old.name}, which was, has not answered since; it follows when it does`,
    );
  }

  #reports(): readonly InstanceReport[] {
    return this.#options.instances().map(({ name }) => this.#options.report(name));
  }
}
