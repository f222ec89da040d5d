// The open log: the primary, the replicas that follow it, and who waits for whom.
import { revisionsOf } from '../encoding.ts';
import type { EpochLostError } from '../errors.ts';
import type { AppendListener, InstanceReport } from '../log.ts';
import type { MachineId } from '../machine-id.ts';
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import type { AckRules } from './ack-policy.ts';
import { Acknowledgements } from './acknowledgements.ts';
import type { Member } from './acknowledgements.ts';
import type { ClaimNotes } from './claim-book.ts';
import { Compaction } from './compaction.ts';
import type { ManagedInstance } from './instance.ts';
import type { Opened } from './opening.ts';
import { Primary } from './primary.ts';
import { Replica } from './replica.ts';
import type { ReplicaSource } from './replica.ts';
import type { ReportParts } from './report.ts';
import { Tail } from './tail.ts';
import { within } from './within.ts';

/** How long closing waits for replicas that are nearly there, and then for what they are doing. */
const DRAIN_MS = 2_000;

export interface FollowingOptions {
  readonly instances: readonly ManagedInstance[];
  readonly machineId: MachineId;
  readonly rules: AckRules;
  readonly clock: Clock;
  readonly random: () => number;
  readonly report: (name: string) => InstanceReport;
  readonly changed: (now: InstanceReport, before: InstanceReport) => void;
  /** Writes cannot be acknowledged for now, and why; undefined: they can again. */
  readonly blocked: (reason: Error | undefined) => void;
  readonly fenced: (error: EpochLostError) => void;
  readonly persisted: AppendListener;
  /** Of the one before it, where the primary has changed: what is held stays held. */
  readonly compaction?: Compaction;
}

/** Why writes cannot be acknowledged, by what keeps them. */
interface Blocks {
  readonly primary?: Error | undefined;
  readonly acknowledgements?: Error | undefined;
}

export class Following {
  readonly primary: Primary;
  readonly #replicas: Replica[];
  readonly #options: FollowingOptions;
  readonly acknowledgements: Acknowledgements;
  readonly compaction: Compaction;
  readonly opened: Opened;
  readonly #clock: Clock;
  readonly #tail = new Tail();
  /** Revisions that some replica has lately. */
  #drained: () => void = () => undefined;
  #blocks: Blocks = {};
  readonly #checks = new Set<() => void>();

  constructor(opened: Opened, options: FollowingOptions) {
    this.opened = opened;
    this.#options = options;
    this.#clock = options.clock;
    const { clock, random, changed } = options;
    this.primary = new Primary({
      instance: opened.primary,
      token: opened.tokens.get(opened.primary.name) ?? 0,
      revision: opened.revision,
      clock,
      random,
      changed,
      report: () => options.report(opened.primary.name),
      stalled: (reason) => this.#block({ ...this.#blocks, primary: reason }),
    });
    this.acknowledgements = new Acknowledgements(
      options.rules,
      () => this.#members(),
      (reason) => this.#block({ ...this.#blocks, acknowledgements: reason }),
    );
    this.compaction = options.compaction ?? new Compaction(opened, () => this.replicas);
    this.compaction.moveTo(opened, () => this.replicas);
    this.#replicas = options.instances
      .filter((instance) => instance !== opened.primary)
      .map((instance) => this.#replicaOf(instance));
    for (const replica of this.replicas) replica.start();
  }

  get replicas(): readonly Replica[] {
    return this.#replicas;
  }

  /** It follows from now on, and does not count for the ack policy. */
  add(instance: ManagedInstance): void {
    const replica = this.#replicaOf(instance);
    this.#replicas.push(replica);
    replica.start();
    replica.startIsOver();
  }

  /** It follows no more, and is not waited for when it hangs. */
  async remove(instance: ManagedInstance): Promise<void> {
    const index = this.#replicas.findIndex((replica) => replica.instance === instance);
    const [replica] = index < 0 ? [] : this.#replicas.splice(index, 1);
    await within(this.#clock, DRAIN_MS, replica?.stop() ?? Promise.resolve());
    this.#progressed();
  }

  startIsOver(): void {
    for (const replica of this.replicas) replica.startIsOver();
  }

  /** Why a write that began now could not be acknowledged; undefined when it could. */
  get refusal(): Error | undefined {
    return this.primary.stall ?? this.acknowledgements.refusal;
  }

  /** Resolves when the ack policy is met. */
  async append(batch: ArrayBuffer): Promise<void> {
    const { refusal } = this;
    if (refusal !== undefined) throw refusal;
    if (this.replicas.length === 0) {
      await this.primary.append(batch);
      return;
    }
    const { last } = revisionsOf(batch);
    const written = await this.primary.appendAndReturn(batch);
    this.#tail.push({ ...written, last, at: this.#clock.now() });
    for (const replica of this.replicas) replica.wake();
    await this.acknowledgements.reached(last);
  }

  /** What a report of the instance is made of. */
  partsOf(name: string): Omit<ReportParts, 'rules' | 'now'> {
    const newest = { revision: this.primary.revision, tail: this.#tail };
    const replica = this.replicas.find(({ instance }) => instance.name === name);
    const { insteadOf, members } = this.opened.claim;
    const isMember = members.includes(name);
    if (replica === undefined)
      return { role: 'Primary', insteadOf, isMember, part: this.primary, newest };
    return { role: 'Replica', isMember, part: replica, newest };
  }

  /** How far each instance certainly is, for the claim book. */
  reached(): ClaimNotes['reached'] {
    const { epoch, revision: claimed } = this.opened.claim;
    const parts = [this.primary, ...this.replicas].filter(({ revision }) => revision >= claimed);
    return Object.fromEntries(
      parts.map(({ instance, revision }) => [instance.name, { epoch, revision }]),
    );
  }

  /** Bytes of changes in memory that come after a revision. */
  pendingBytes(revision: number): number {
    return this.#tail.pending(revision).bytes;
  }

  /** Waits, for so many milliseconds at most, until `test` holds of the replicas. Resolves with whether it does. */
  async until(test: () => boolean, ms: number, signal?: AbortSignal): Promise<boolean> {
    if (test()) return true;
    const over = new AbortController();
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = (): void => (test() ? resolve() : undefined);
    this.#checks.add(check);
    const signals = signal === undefined ? [over.signal] : [over.signal, signal];
    const late = sleep(this.#clock, ms, AbortSignal.any(signals));
    late.catch(() => undefined);
    try {
      await Promise.race([promise, late]);
    } finally {
      this.#checks.delete(check);
      over.abort();
    }
    return test();
  }

  /** Lets replicas that are nearly there finish, then stops all. */
  async stop(reason: Error): Promise<void> {
    this.acknowledgements.end(reason);
    await within(this.#clock, DRAIN_MS, this.#whenDrained());
    await this.halt();
  }

  /** Nobody follows any more. Who hangs is not waited for. */
  async halt(): Promise<void> {
    this.primary.stop();
    const stopping = Promise.all(this.replicas.map((replica) => replica.stop()));
    await within(this.#clock, DRAIN_MS, stopping);
  }

  /** Writers are told as long as there is any reason. */
  #block(blocks: Blocks): void {
    const before = this.#blocks.primary ?? this.#blocks.acknowledgements;
    this.#blocks = blocks;
    const now = blocks.primary ?? blocks.acknowledgements;
    if (now !== before) this.#options.blocked(now);
  }

  #whenDrained(): Promise<void> {
    const isDrained = (): boolean =>
      this.replicas.every(
        ({ monitor, revision }) => monitor.state !== 'Up' || revision >= this.primary.revision,
      );
    if (isDrained()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained = () => {
        if (isDrained()) resolve();
      };
    });
  }

  #progressed(): void {
    this.acknowledgements.check();
    const followers = this.replicas.map(({ revision }) => revision);
    this.#tail.trim(Math.min(...followers));
    this.#drained();
    for (const check of this.#checks) check();
    this.compaction.replicasProgressed();
  }

  #members(): readonly Member[] {
    const { members } = this.opened.claim;
    const counting = this.replicas.filter(({ instance }) => members.includes(instance.name));
    return [
      { name: this.primary.instance.name, isPrimary: true, revision: 0, isLost: false },
      ...counting.map(({ instance, revision, isLost }) => ({
        name: instance.name,
        isPrimary: false,
        revision,
        isLost,
      })),
    ];
  }

  #replicaOf(instance: ManagedInstance): Replica {
    const { machineId, clock, random, changed, report, persisted, fenced } = this.#options;
    return new Replica({
      instance,
      machineId,
      source: this.#source(instance.name),
      token: this.opened.tokens.get(instance.name),
      clock,
      random,
      changed,
      report: () => report(instance.name),
      progressed: () => this.#progressed(),
      persisted: (seconds) => persisted(instance.name, seconds),
      fenced,
    });
  }

  #source(name: string): ReplicaSource {
    const { primary, compaction } = this;
    const { claims, claim } = this.opened;
    const isAwaited = this.#options.rules.ack !== 'primary' && claim.members.includes(name);
    return {
      instance: primary.instance,
      claim,
      get head() {
        return { claims, revision: primary.revision };
      },
      get compacted() {
        return compaction.compacted;
      },
      tail: this.#tail,
      isAwaited: () => isAwaited || this.#checks.size > 0,
      holdCompaction: () => compaction.hold(),
    };
  }
}
