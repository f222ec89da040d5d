// The log that the store writes to: one primary that has every write first, and replicas that follow it. ADR 12 says why it is safe.
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import { addStuckThread } from '#platform/stuck-threads.ts';
import { EpochLostError, StorageFailedError, UnknownInstanceError } from '../errors.ts';
import { isShownToStore } from '../log.ts';
import type {
  AppendListener,
  InstanceListener,
  InstanceReport,
  ManagerControl,
  PersistenceLog,
  Promoted,
  PromoteOptions,
  Sequencer,
  WriteListener,
  WriteState,
} from '../log.ts';
import type { MachineId } from '../machine-id.ts';
import type { Cursor, LogDump, LogRecord, Verified } from '../provider.ts';
import { recordsThrough } from '../records-through.ts';
import type { AckRules } from './ack-policy.ts';
import { writeUnlessOutdated } from './claim-book.ts';
import type { ClaimBook, ClaimNotes } from './claim-book.ts';
import { compareObjects } from './compare-objects.ts';
import type { ManagedInstance } from './instance.ts';
import { openLog } from './opening.ts';
import type { Opened } from './opening.ts';
import { newId } from './claim.ts';
import { Attaching } from './attaching.ts';
import { Following } from './following.ts';
import { Holding } from './holding.ts';
import { Promoting } from './promoting.ts';
import { reportOf, unopenedReport } from './report.ts';
import { StartRefusedError } from './start-refused-error.ts';
import { within } from './within.ts';

const ACK_DEADLINE_MS = 10_000;
const NOTES_MS = 5_000;

export interface ManagerOptions {
  /** In the order of the configuration: the first that can be used is the primary. */
  readonly instances: readonly ManagedInstance[];
  readonly machineId: MachineId;
  /** Which of all copies of a data directory it is. */
  readonly home?: string;
  /** Name of this machine, for people. */
  readonly host: string;
  readonly book: ClaimBook;
  readonly rules: AckRules;
  readonly acceptPossibleLoss: boolean;
  readonly takeover: boolean;
  readonly clock: Clock;
  /** Called with what the operator should know, in a sentence. */
  readonly warn: (message: string) => void;
  /** Numbers in [0, 1), for jitter. */
  readonly random: () => number;
  /** What a URL means, not initialized; for instances that are attached. */
  readonly prepare?: (url: string) => Promise<ManagedInstance>;
}

export class PersistenceManager implements PersistenceLog {
  readonly control: ManagerControl;
  readonly #options: ManagerOptions;
  readonly #instanceListeners = new Set<InstanceListener>();
  readonly #appendListeners = new Set<AppendListener>();
  readonly #writeListeners = new Set<WriteListener>();
  readonly #since: number;
  readonly #holding: Holding;
  #following: Following | undefined;
  #notes: ClaimNotes | undefined;
  #lost: Error | undefined;
  readonly #promoting: Promoting;
  readonly #attaching: Attaching;
  #sequence: Sequencer | undefined;

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.#since = options.clock.now();
    this.#attaching = new Attaching({
      ...options,
      following: () => this.#open,
      holding: () => this.#holding,
    });
    this.#holding = new Holding({ ...options, run: newId(), waiting: options.warn });
    this.#promoting = new Promoting({
      ...options,
      instances: () => this.#instances,
      following: () => this.#open,
      follow: (opened) => this.#follow(opened),
      sequence: () => this.#sequence,
      notes: () => this.#notes ?? { counter: 0, reached: {} },
      noted: (notes) => (this.#notes = notes),
      changed: (now, before) => this.#changed(now, before),
      report: (name) => this.#report(name),
      lost: (error) => this.#lose(error),
    });
    this.control = {
      promote: (name, how) => this.#promote(name, how),
      attach: async (url) => {
        this.#promoting.refuseMeanwhile(url.replace(/\?.*$/s, ''));
        return this.#attaching.attach(url);
      },
      detach: async (name) => {
        this.#promoting.refuseMeanwhile(name);
        return this.#attaching.detach(this.#known(name));
      },
      dump: (name, signal) => this.#dump(name, signal),
      resync: (name) => this.#resync(name),
      verify: (name, signal) => this.#verify(name, signal),
    };
  }

  async open(signal: AbortSignal): Promise<Cursor> {
    const { instances, book, rules, clock, takeover } = this.#options;
    if (!takeover) await this.#holding.waitUntilFree(signal);
    const opened = await openLog({
      ...this.#options,
      instances: instances.filter(({ keepsLog }) => keepsLog),
      signal,
    });
    const following = this.#follow(opened);
    this.#holding.keep();
    await whenAcknowledged(following, { clock, rules, signal });
    following.startIsOver();
    this.#notes = { ...opened.notes, claim: opened.claim, reached: {} };
    await book.write(this.#notesNow(following));
    this.#sayWhyNotFirst(opened);
    const { revision, floor } = opened;
    return { epoch: following.primary.token, revision, compacted: floor };
  }

  get epoch(): number {
    return this.#open.primary.token;
  }

  sequenceWith(sequencer: Sequencer): void {
    this.#sequence = sequencer;
  }

  async append(batch: ArrayBuffer): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost;
    try {
      await this.#open.append(batch);
    } catch (error) {
      if (error instanceof EpochLostError) this.#lose(error);
      throw error;
    }
  }

  async *replay(signal: AbortSignal): AsyncIterable<readonly LogRecord[]> {
    const { instance } = this.#open.primary;
    for await (const records of instance.provider.replay(instance.name, signal)) {
      const shown = records.filter(({ kind }) => isShownToStore(kind));
      if (shown.length > 0) yield shown;
    }
  }

  compact(through: number): Promise<void> {
    return this.#open.compaction.compact(through);
  }

  blocked(): string | undefined {
    return this.#following?.refusal?.message;
  }

  instances(): readonly InstanceReport[] {
    const reports = this.#instances.map(({ name }) => this.#report(name));
    const rank = ({ role }: InstanceReport): number => (role === 'Primary' ? 0 : 1);
    return reports.toSorted((left, right) => rank(left) - rank(right));
  }

  watch(listener: InstanceListener): () => void {
    this.#instanceListeners.add(listener);
    return () => this.#instanceListeners.delete(listener);
  }

  watchAppends(listener: AppendListener): () => void {
    this.#appendListeners.add(listener);
    return () => this.#appendListeners.delete(listener);
  }

  watchWrites(listener: WriteListener): () => void {
    this.#writeListeners.add(listener);
    return () => this.#writeListeners.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const following = this.#following;
    const hasLost = this.#lost !== undefined;
    this.#lost ??= new StorageFailedError('Cannot write: the log is closed');
    if (following !== undefined) {
      await following.stop(this.#lost);
      if (this.#notes !== undefined) await this.#lastNotes(this.#notesNow(following));
    }
    await this.#holding.release(hasLost);
    const providers = new Set(this.#instances.map(({ provider }) => provider));
    await Promise.all([...providers].map((provider) => provider[Symbol.asyncDispose]()));
  }

  /** Only help the next start to notice an old copy: a disk that hangs is not waited for. */
  async #lastNotes(notes: ClaimNotes): Promise<void> {
    const { book, clock } = this.#options;
    const writing = writeUnlessOutdated(book, notes);
    if (await within(clock, NOTES_MS, writing)) return;
    const countOut = addStuckThread(book.place);
    void writing.then(countOut, countOut);
  }

  #follow(opened: Opened): Following {
    const compaction = this.#following?.compaction;
    this.#following = new Following(opened, {
      ...this.#options,
      instances: this.#instances,
      ...(compaction === undefined ? {} : { compaction }),
      report: (name) => this.#report(name),
      changed: (now, before) => this.#changed(now, before),
      blocked: (reason) =>
        this.#tell(reason === undefined ? { state: 'Open' } : { state: 'Blocked', reason }),
      persisted: (name, seconds) => {
        for (const listener of this.#appendListeners) listener(name, seconds);
      },
      fenced: (error) => this.#lose(error),
    });
    return this.#following;
  }

  #changed(now: InstanceReport, before: InstanceReport): void {
    for (const listener of this.#instanceListeners) listener(now, before);
  }

  /** The configuration asks for another one, and so would be misread. */
  #sayWhyNotFirst({ primary, claim: { insteadOf } }: Opened): void {
    if (insteadOf === undefined) return;
    this.#options.warn(
      `${primary.name} (${primary.location}) is the primary, as it was promoted, although ${insteadOf} is the first --persistence: give it first to keep it so; windlass persistence promote ${insteadOf} changes it back`,
    );
  }

  async #promote(name: string, how: PromoteOptions): Promise<Promoted> {
    const promoted = await this.#promoting.promote(this.#known(name), how);
    return promoted;
  }

  /** Nothing is forgotten on any instance while it is read. */
  async #dump(name: string, signal: AbortSignal): Promise<LogDump> {
    const { provider } = this.#known(name);
    const release = once(await this.#open.compaction.hold());
    signal.addEventListener('abort', release, { once: true });
    try {
      const { epoch, revision, compacted } = await provider.cursor(name);
      const records = recordsThrough(provider.replay(name, signal), revision, release);
      return { epoch, revision, compacted, records };
    } catch (error) {
      release();
      throw error;
    }
  }

  async #verify(name: string, signal: AbortSignal): Promise<Verified> {
    const instance = this.#known(name);
    const { replicas, primary, compaction } = this.#open;
    const replica = replicas.find((one) => one.instance === instance);
    if (instance.keepsLog || replica === undefined) return instance.provider.verify(name, signal);
    const { state } = replica.monitor;
    // What it holds is judged by the primary's; nothing can be said of one that is far from having it.
    if (state !== 'Up') {
      const why = replica.monitor.lastError?.message;
      throw new StorageFailedError(
        `Cannot compare ${name} with the primary: it is ${state}${why === undefined ? '' : ` (${why})`}; try again when it is Up`,
      );
    }
    const release = await compaction.hold();
    const { revision: reached } = replica;
    const comparison = { primary: primary.instance, replica: instance, reached, signal };
    return compareObjects(comparison).finally(release);
  }

  /** Those of the configuration, then those that were attached. */
  get #instances(): readonly ManagedInstance[] {
    return [...this.#options.instances, ...this.#attaching.instances];
  }

  get #open(): Following {
    if (this.#following !== undefined) return this.#following;
    throw new StorageFailedError('Cannot use the log: it is not open');
  }

  #report(name: string): InstanceReport {
    const { rules, clock, instances } = this.#options;
    const instance = this.#known(name);
    const parts = this.#following?.partsOf(name);
    if (parts !== undefined) return reportOf(instance, { ...parts, rules, now: clock.now() });
    return unopenedReport(instance, instance === instances[0], { rules, since: this.#since });
  }

  #notesNow(following: Following): ClaimNotes {
    const notes = this.#notes ?? { counter: 0, reached: {} };
    return { ...notes, reached: { ...notes.reached, ...following.reached() } };
  }

  async #resync(name: string): Promise<void> {
    this.#known(name);
    this.#promoting.refuseMeanwhile(name);
    const replica = this.#open.replicas.find(({ instance }) => instance.name === name);
    if (replica !== undefined) return replica.resync();
    throw new Error(
      `Cannot make ${name} anew: it is the primary, whose state all others get; first make another one the primary with: windlass persistence promote INSTANCE`,
    );
  }

  #known(name: string): ManagedInstance {
    const instances = this.#instances;
    const found = instances.find((instance) => instance.name === name);
    if (found !== undefined) return found;
    throw new UnknownInstanceError(
      name,
      instances.map((instance) => instance.name),
    );
  }

  #lose(error: EpochLostError): void {
    if (this.#lost !== undefined) return;
    this.#lost = error;
    this.#following?.acknowledgements.end(error);
    // The notes are somebody else's now.
    void this.#holding.release(true);
    this.#tell({ state: 'Lost', reason: error });
  }

  #tell(now: WriteState): void {
    for (const listener of this.#writeListeners) listener(now);
  }
}

/** The claim is a write as any other: what it stands on was seen by those that count before anybody reads it. */
async function whenAcknowledged(
  following: Following,
  { clock, rules, signal }: Pick<ManagerOptions, 'clock' | 'rules'> & { signal: AbortSignal },
): Promise<void> {
  const over = new AbortController();
  const late = sleep(clock, ACK_DEADLINE_MS, AbortSignal.any([over.signal, signal])).then(() => {
    const names = following.replicas
      .filter(
        ({ instance, revision }) => instance.keepsLog && revision < following.primary.revision,
      )
      .map(
        ({ instance, monitor }) =>
          `\n  ${instance.name}: ${monitor.lastError?.message ?? monitor.state}`,
      );
    throw new StartRefusedError(
      `Cannot start: --ack ${rules.ack} needs more persistence instances than have caught up${names.join('')}\nBring them back, or start with --on-sync-loss degrade.`,
    );
  });
  late.catch(() => undefined);
  try {
    const { acknowledgements, primary } = following;
    await Promise.race([acknowledgements.reached(primary.revision), late]);
  } finally {
    over.abort();
  }
}

function once(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) work();
    isDone = true;
  };
}
