// Records Events: what `kubectl describe` shows below an object. Recording never fails and never waits: events are advice. Repeats
// of one event raise its count instead of filling the store, and so do many that differ in their message only.
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { Logger } from '#platform/logging.ts';
import type { ApiObject, ApiResource, Client } from './client-types.ts';
import { EventGroups } from './event-groups.ts';
import { isNamespaceTerminating, isNotFound } from './request-error.ts';
import { apiVersionOf } from './resource-path.ts';
import { EVENTS } from './resources.ts';
import { timestamp } from './timestamps.ts';

export interface EventRecorderOptions {
  readonly client: Pick<Client, 'create' | 'patch'>;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  /** Who says it: `windlass-service-controller`. */
  readonly component: string;
}

export type EventType = 'Normal' | 'Warning';

interface Occurrence {
  readonly resource: ApiResource;
  readonly object: ApiObject;
  readonly type: EventType;
  readonly reason: string;
  readonly message: string;
  readonly at: number;
}

interface Pending {
  /** Equal for what is counted together. */
  readonly key: string;
  /** The newest. */
  occurrence: Occurrence;
  /** How often since it was last written. */
  times: number;
}

interface Recorded {
  readonly name: string;
  count: number;
  message: string;
}

/** More than this waiting means that the server is away: the newest are dropped. */
const MAXIMUM_PENDING = 1_000;
/** How many distinct events are remembered to count repeats of. */
const MAXIMUM_REMEMBERED = 4_096;
const MAXIMUM_MESSAGE = 1_024;
/** client-go's words. */
const COMBINED = '(combined from similar events): ';
/** How often the one event that stands for many is written. */
const COMBINED_PACE_MS = 10_000;

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #pending: Pending[] = [];
  readonly #recorded = new Map<string, Recorded>();
  readonly #groups = new EventGroups();
  /** Those that stand for many, from the first occurrence that is to be written until nothing came for a while. */
  readonly #combined = new Map<string, Pending>();
  #wake: (() => void) | undefined;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  /** @param reason one word in CamelCase. @param message a sentence, cut at 1 kB */
  record(
    resource: ApiResource,
    object: ApiObject,
    type: EventType,
    reason: string,
    message: string,
  ): void {
    const at = this.#options.clock.now();
    const group = [object.metadata.uid, type, reason].join('\n');
    const isCombined = this.#groups.isCombined(group, message, at);
    const text = isCombined ? `${COMBINED}${message}` : message;
    const short = text.length > MAXIMUM_MESSAGE ? `${text.slice(0, MAXIMUM_MESSAGE - 1)}…` : text;
    const occurrence = { resource, object, type, reason, message: short, at };
    if (isCombined) this.#combine(group, occurrence);
    else this.#enqueue({ key: `${group}\n${short}`, occurrence, times: 1 });
  }

  /** The first at once; those that follow are counted, and written at a pace. */
  #combine(key: string, occurrence: Occurrence): void {
    const waiting = this.#combined.get(key);
    if (waiting !== undefined) {
      waiting.occurrence = occurrence;
      waiting.times += 1;
      return;
    }
    this.#enqueue({ key, occurrence, times: 1 });
    this.#gather({ key, occurrence, times: 0 });
  }

  #gather(next: Pending): void {
    this.#combined.set(next.key, next);
    this.#options.clock.schedule(COMBINED_PACE_MS, () => {
      this.#combined.delete(next.key);
      if (next.times === 0) return;
      this.#enqueue(next);
      this.#gather({ ...next, times: 0 });
    });
  }

  #enqueue(event: Pending): void {
    if (this.#pending.length >= MAXIMUM_PENDING) return;
    this.#pending.push(event);
    this.#wake?.();
  }

  /** Sends what was recorded, in order, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const onAbort = (): void => this.#wake?.();
    signal.addEventListener('abort', onAbort, { once: true });
    while (!signal.aborted) {
      const next = this.#pending.shift();
      if (next === undefined) {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
        this.#wake = undefined;
        continue;
      }
      try {
        await this.#send(next, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (isNamespaceTerminating(error)) continue;
        const { reason } = next.occurrence;
        this.#options.logger.debug('Cannot record an event', { reason, error });
      }
    }
  }

  async #send({ key, occurrence, times }: Pending, signal: AbortSignal): Promise<void> {
    const namespace = occurrence.object.metadata.namespace ?? 'default';
    const recorded = this.#recorded.get(key);
    if (recorded !== undefined) {
      recorded.count += times;
      const { message } = occurrence;
      const patch = {
        count: recorded.count,
        lastTimestamp: timestamp(occurrence.at),
        ...(message === recorded.message ? {} : { message }),
      };
      recorded.message = message;
      try {
        await this.#options.client.patch(
          EVENTS,
          namespace,
          recorded.name,
          '',
          'merge',
          patch,
          signal,
        );
        return;
      } catch (error) {
        // The server forgets events after an hour: then this is a new one.
        if (!isNotFound(error)) throw error;
        this.#recorded.delete(key);
      }
    }
    await this.#create({ key, occurrence, times }, namespace, signal);
  }

  async #create(
    { key, occurrence: event, times }: Pending,
    namespace: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, component, ids } = this.#options;
    const { metadata } = event.object;
    const name = `${metadata.name.slice(0, 236)}.${ids.hex(16)}`;
    const at = timestamp(event.at);
    await client.create(
      EVENTS,
      namespace,
      {
        metadata: { name, namespace },
        involvedObject: {
          apiVersion: apiVersionOf(event.resource),
          kind: event.resource.kind,
          name: metadata.name,
          ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
          uid: metadata.uid,
          resourceVersion: metadata.resourceVersion,
        },
        type: event.type,
        reason: event.reason,
        message: event.message,
        count: times,
        firstTimestamp: at,
        lastTimestamp: at,
        source: { component },
        reportingComponent: component,
        reportingInstance: '',
      },
      signal,
    );
    if (this.#recorded.size >= MAXIMUM_REMEMBERED) {
      const oldest = this.#recorded.keys().next();
      if (oldest.done !== true) this.#recorded.delete(oldest.value);
    }
    this.#recorded.set(key, { name, count: times, message: event.message });
  }
}
