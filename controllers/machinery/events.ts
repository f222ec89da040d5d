// Records Events: what `kubectl describe` shows below an object. Recording never fails and never waits: events are advice. Repeats
// of one event raise its count instead of filling the store.
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { Logger } from '#platform/logging.ts';
import type { ApiObject, ApiResource, Client } from './client-types.ts';
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

interface Pending {
  readonly resource: ApiResource;
  readonly object: ApiObject;
  readonly type: EventType;
  readonly reason: string;
  readonly message: string;
  readonly at: number;
}

interface Recorded {
  readonly name: string;
  count: number;
}

/** More than this waiting means that the server is away: the newest are dropped. */
const MAXIMUM_PENDING = 1_000;
/** How many distinct events are remembered to count repeats of. */
const MAXIMUM_REMEMBERED = 4_096;
const MAXIMUM_MESSAGE = 1_024;

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #pending: Pending[] = [];
  readonly #recorded = new Map<string, Recorded>();
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
    if (this.#pending.length >= MAXIMUM_PENDING) return;
    const at = this.#options.clock.now();
    const short =
      message.length > MAXIMUM_MESSAGE ? `${message.slice(0, MAXIMUM_MESSAGE - 1)}…` : message;
    this.#pending.push({ resource, object, type, reason, message: short, at });
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
        this.#options.logger.debug('Cannot record an event', { reason: next.reason, error });
      }
    }
  }

  async #send(event: Pending, signal: AbortSignal): Promise<void> {
    const key = [event.object.metadata.uid, event.type, event.reason, event.message].join('\n');
    const namespace = event.object.metadata.namespace ?? 'default';
    const recorded = this.#recorded.get(key);
    if (recorded !== undefined) {
      recorded.count += 1;
      const patch = { count: recorded.count, lastTimestamp: timestamp(event.at) };
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
    await this.#create(key, namespace, event, signal);
  }

  async #create(
    key: string,
    namespace: string,
    event: Pending,
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
        count: 1,
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
    this.#recorded.set(key, { name, count: 1 });
  }
}
