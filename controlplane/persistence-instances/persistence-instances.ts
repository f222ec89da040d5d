// What keeps the state, shown to clients: the PersistenceInstance objects, and what is said in the log and as events when
// one of them changes. Nothing of it is stored, so that it can be read while the storage is dead.
import { VirtualResource } from '#controlplane/store/virtual-resource.ts';
import type { Store } from '#controlplane/store/types.ts';
import type { InstanceReport, PersistenceLog } from '#persistence/log.ts';
import type { Clock } from '#platform/clock.ts';
import type { Logger } from '#platform/logging.ts';
import { persistenceInstanceDefinition } from './definition.ts';
import { instanceObject } from './instance-object.ts';
import type { Condition, InstanceObject } from './instance-object.ts';
import { LastHour } from './last-hour.ts';
import type { Sample } from './last-hour.ts';

/** Latency, lag and revision change all the time: who watches is told so often. */
const REFRESH_MS = 5_000;

export interface PersistenceInstancesOptions {
  readonly log: Pick<PersistenceLog, 'instances' | 'watch'>;
  readonly store: Pick<Store, 'revision'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class PersistenceInstances {
  readonly resource: VirtualResource;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #startedAt: number;
  readonly #conditions = new Map<string, readonly Condition[]>();
  readonly #lastHour = new LastHour();
  readonly #look: () => void;
  readonly #stopWatching: () => void;
  #cancelRefresh: () => void = () => undefined;

  constructor({ log, store, clock, logger }: PersistenceInstancesOptions) {
    this.#clock = clock;
    this.#logger = logger;
    this.#startedAt = clock.now();
    this.#look = () => this.#lastHour.look(log.instances(), clock.monotonic(), clock.now());
    this.#look();
    this.resource = new VirtualResource({
      storageKey: persistenceInstanceDefinition.storageKey,
      read: () => log.instances().map((report) => this.#objectOf(report)),
      revision: () => store.revision,
    });
    this.#stopWatching = log.watch((now, before) => {
      this.#say(now, before);
      this.resource.refresh();
    });
    this.#schedule();
  }

  /** A look a minute, for an hour; oldest first. */
  lastHour(name: string): readonly Sample[] {
    return this.#lastHour.of(name);
  }

  close(): void {
    this.#cancelRefresh();
    this.#stopWatching();
    this.resource.close();
  }

  #schedule(): void {
    this.#cancelRefresh = this.#clock.schedule(REFRESH_MS, () => {
      this.#look();
      if (this.resource.isWatched) this.resource.refresh();
      this.#schedule();
    });
  }

  #objectOf(report: InstanceReport): InstanceObject {
    const before = this.#conditions.get(report.name) ?? [];
    const object = instanceObject(report, this.#startedAt, before, this.#clock.now());
    this.#conditions.set(report.name, object.status.conditions);
    return object;
  }

  #say(now: InstanceReport, before: InstanceReport): void {
    const facts = {
      instance: now.name,
      provider: now.provider,
      location: now.location,
      role: now.role,
      state: now.state,
      before: before.state,
    };
    if (now.role !== before.role) {
      const what = now.role === 'Primary' ? 'the primary' : 'a replica';
      this.#logger.info(`Persistence instance is ${what} now`, facts);
    } else if (now.state === 'Up') this.#logger.info('Persistence instance is up', facts);
    else if (now.state === 'CatchingUp')
      this.#logger.info('Persistence instance is catching up', facts);
    else {
      const error = now.lastError?.message;
      const line = 'Persistence instance does not keep what is written';
      this.#logger.warn(line, error === undefined ? facts : { ...facts, error });
    }
  }
}
