// Events on PersistenceInstances: one for each change of state that a person should hear of. They are written like any other
// object, so only while the primary takes writes, and never so many that writing them could be what keeps an instance busy.
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { formatTimestamp } from '#controlplane/api/timestamps.ts';
import type {
  InstanceReport,
  InstanceRole,
  InstanceState,
  PersistenceLog,
} from '#persistence/log.ts';
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import { instanceUid } from './instance-object.ts';

/** Changes remembered for when they can be written: the newest, the rest is in the log. */
const MOST_WAITING = 32;
/** For each instance: a flapping one is told of so often. */
const MINIMUM_INTERVAL_MS = 5_000;
const RETRY_MS = 5_000;

const REASONS: Readonly<Record<InstanceState, string>> = {
  Up: 'InstanceUp',
  CatchingUp: 'InstanceCatchingUp',
  NeedsFullSync: 'InstanceNeedsFullSync',
  Down: 'InstanceDown',
  Fenced: 'InstanceFenced',
  Diverged: 'InstanceDiverged',
  Corrupt: 'InstanceCorrupt',
};
const ROLE_REASONS: Readonly<Record<InstanceRole, string>> = {
  Primary: 'InstancePromoted',
  Replica: 'InstanceDemoted',
};
const NORMAL: ReadonlySet<InstanceState> = new Set(['Up', 'CatchingUp']);

export interface InstanceEventsOptions {
  readonly log: Pick<PersistenceLog, 'instances' | 'watch'>;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** Writes a core/v1 Event in namespace `default`. */
  readonly write: (event: KubernetesObject) => Promise<unknown>;
}

interface Waiting {
  readonly report: InstanceReport;
  readonly before: InstanceState;
  /** The newest trouble on the way there, which nobody has been told of. */
  readonly trouble: InstanceReport | undefined;
  /** What it is told of is that it became the primary, or a replica. */
  readonly isOfRole: boolean;
  readonly at: number;
}

export class InstanceEvents {
  readonly #options: InstanceEventsOptions;
  readonly #waiting: Waiting[] = [];
  /** When each instance was last told of, on the monotonic clock. */
  readonly #lastTold = new Map<string, number>();
  readonly #stopWatching: () => void;
  #cancelRetry: (() => void) | undefined;
  #isWriting = false;
  #isClosed = false;

  constructor(options: InstanceEventsOptions) {
    this.#options = options;
    this.#stopWatching = options.log.watch((now, before) => {
      this.#remember(now, before);
      void this.#writeAll();
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#stopWatching();
    this.#cancelRetry?.();
  }

  /**
   * Of an instance that changes faster than it may be told of, where it came from first and where it is now. Where both are the same,
   * what was between: else an outage in which nothing could be written would never be told of.
   */
  #remember(report: InstanceReport, { state: before, role }: InstanceReport): void {
    const at = this.#options.clock.now();
    const isOfRole = report.role !== role;
    const index = this.#waiting.findIndex(
      (other) => !other.isOfRole && other.report.name === report.name,
    );
    const [known] = isOfRole || index < 0 ? [] : this.#waiting.splice(index, 1);
    const trouble = NORMAL.has(report.state) ? known?.trouble : report;
    const first = known?.before ?? before;
    if (first !== report.state || isOfRole)
      this.#waiting.push({ report, before: first, trouble, isOfRole, at });
    else if (trouble !== undefined && trouble.state !== report.state)
      this.#waiting.push({ report, before: trouble.state, trouble, isOfRole, at });
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
  }

  async #writeAll(): Promise<void> {
    if (this.#isWriting || this.#isClosed) return;
    this.#isWriting = true;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    try {
      await this.#writeDue();
    } catch {
      // The log has it already, and the next try is scheduled: an event that cannot be written is no news.
    } finally {
      this.#isWriting = false;
    }
    if (this.#waiting.length > 0 && !this.#closed()) {
      this.#cancelRetry = this.#options.clock.schedule(RETRY_MS, () => void this.#writeAll());
    }
  }

  async #writeDue(): Promise<void> {
    const { log, clock, write } = this.#options;
    for (const waiting of this.#waiting.filter((one) => this.#isDue(one))) {
      const primary = log.instances().find(({ role }) => role === 'Primary');
      if (this.#closed() || primary?.state !== 'Up') return;
      await write(this.#eventOf(waiting));
      if (!waiting.isOfRole) this.#lastTold.set(waiting.report.name, clock.monotonic());
      const index = this.#waiting.indexOf(waiting);
      if (index >= 0) this.#waiting.splice(index, 1);
    }
  }

  /** A getter would be taken for a constant within one function. */
  #closed(): boolean {
    return this.#isClosed;
  }

  #isDue({ report, isOfRole }: Waiting): boolean {
    if (isOfRole) return true;
    const last = this.#lastTold.get(report.name);
    return last === undefined || this.#options.clock.monotonic() - last >= MINIMUM_INTERVAL_MS;
  }

  #eventOf({ report, before, trouble, isOfRole, at }: Waiting): KubernetesObject {
    const time = formatTimestamp(at);
    const { name, state, role, location } = report;
    const lastError = state === 'Up' ? trouble?.lastError : report.lastError;
    const why = lastError === undefined ? '' : `: ${lastError.message}`;
    return {
      kind: 'Event',
      apiVersion: 'v1',
      metadata: { name: `${name}.${this.#options.ids.hex(16)}`, namespace: 'default' },
      involvedObject: {
        kind: 'PersistenceInstance',
        apiVersion: 'windlass.dev/v1alpha1',
        name,
        uid: instanceUid(name),
      },
      type: isOfRole || NORMAL.has(state) ? 'Normal' : 'Warning',
      reason: isOfRole ? ROLE_REASONS[role] : REASONS[state],
      message: isOfRole
        ? `${location} is the ${role.toLowerCase()} now`
        : `${role} at ${location} is ${state}, was ${before}${why}`.slice(0, 1_000),
      source: { component: 'windlass' },
      reportingComponent: 'windlass',
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    };
  }
}
