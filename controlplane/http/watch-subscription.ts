// One watch from what was asked to what is sent: checks the options first, while a refusal is still an answer, then joins the
// present state, the history and what happens next to one stream, whatever that is made of.
import { ApiError, internalError, notAcceptable } from '../api/errors.ts';
import type { ResourceDefinition } from '../api/resource.ts';
import { listShown } from '../registry/list-shown.ts';
import type { ListOptions, ListResult, Revision } from '../store/types.ts';
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';

import { ConvertingSink } from './converting-sink.ts';
import {
  booleanParameter,
  integerParameter,
  selectionOf,
  waitForRevision,
  watchStartOf,
} from './list-options.ts';
import type { WatchStart } from './list-options.ts';
import type { MeasuredRequest } from './metrics.ts';
import { negotiate } from './negotiate.ts';
import type { RequestInfo } from './request-info.ts';
import type { Services } from './services.ts';
import { parseIncludeObject } from './table.ts';
import { BatchCache } from './watch-batches.ts';
import { WatchFlusher } from './watch-flusher.ts';
import { EventEncoder, FrameCache } from './watch-frames.ts';
import type { WatchStream } from './watch-stream.ts';
import { Watcher } from './watcher.ts';

/** Longest time that an event waits for others, where its kind says nothing else. */
const USUAL_PACE_MS = 5;
const BOOKMARK_INTERVAL_MS = 60_000;
/** The last bookmark comes this long before the end. */
const FINAL_BOOKMARK_MS = 2000;
/** Watches without timeoutSeconds end after 30 to 60 minutes, spread so that clients do not come back all at once. */
const MINIMUM_TIMEOUT_MS = 1_800_000;

/** What was asked for. */
export interface WatchRequest {
  readonly info: RequestInfo;
  readonly definition: ResourceDefinition;
  /** The header. */
  readonly accept: string | undefined;
}

/** Sends the events; returns how to end the watch, which may be called at any time and more than once. */
export type BeginWatch = (stream: WatchStream, measured: MeasuredRequest) => () => void;

/** What watches share: each event is encoded once for all of them. */
class SharedWatches {
  readonly frames = new FrameCache();
  readonly batches = new BatchCache();
  readonly #clock: Clock;
  readonly #flushers = new Map<number, WatchFlusher>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  flusherOf({ watchPaceMs = USUAL_PACE_MS }: ResourceDefinition): WatchFlusher {
    const flusher = this.#flushers.get(watchPaceMs) ?? new WatchFlusher(this.#clock, watchPaceMs);
    this.#flushers.set(watchPaceMs, flusher);
    return flusher;
  }
}

const sharedOf = new WeakMap<Services, SharedWatches>();

/** @throws ApiError for what cannot be watched so */
export function prepareWatch(services: Services, request: WatchRequest): BeginWatch {
  const { definition, info } = request;
  const { clock, ids, logger, metrics } = services;
  const representation = negotiate(request.accept);
  if (representation.media !== 'json') {
    throw notAcceptable(['application/json;stream=watch']);
  }
  const start = watchStartOf(info.query);
  const { matches, text } = selectionOf(info, definition);
  const includeObject = parseIncludeObject(info.query.get('includeObject'));
  const timeoutMs = timeoutOf(ids, info.query);
  const bookmarks = booleanParameter(info.query, 'allowWatchBookmarks');
  const namespace = definition.namespaced ? info.namespace : '';

  return (stream, measured) => {
    const shared = sharedOf.get(services) ?? new SharedWatches(clock);
    sharedOf.set(services, shared);
    const watcher = new Watcher(
      {
        encoder: new EventEncoder(definition, representation, includeObject, shared.frames, clock),
        batches: shared.batches,
        flusher: shared.flusherOf(definition),
        namespace,
        matches,
        selectorText: text,
        onSent: (events, bytes) => metrics.watchEvents(measured, events, bytes),
        onTooSlow: () => metrics.watcherTerminated(measured),
        onFailed: (error) => logger.error('Cannot encode a watch event', { error }),
      },
      stream,
    );
    const selected = {
      ...(namespace === '' ? {} : { namespace }),
      ...(matches === undefined ? {} : { matches }),
    };
    return subscribe(
      services,
      { definition, watcher, start, selected, timeoutMs, bookmarks },
      (count) => metrics.initialEvents(measured, count),
    );
  };
}

interface Subscribed {
  readonly definition: ResourceDefinition;
  readonly watcher: Watcher;
  readonly start: WatchStart;
  readonly selected: Pick<ListOptions, 'namespace' | 'matches'>;
  readonly timeoutMs: number;
  readonly bookmarks: boolean;
}

function subscribe(
  services: Services,
  subscribed: Subscribed,
  onInitial: (events: number) => void,
): () => void {
  const { store, clock } = services;
  const { definition, watcher, start, timeoutMs } = subscribed;
  const stopped = new AbortController();
  const begin = (): void | Promise<void> => {
    if (stopped.signal.aborted) return undefined;
    const initial = sendInitial(services, subscribed, stopped.signal, onInitial);
    return initial instanceof Promise ? initial.then(follow) : follow(initial);
  };
  const follow = (since: Revision): void => {
    if (stopped.signal.aborted) return;
    const converting =
      definition.versions?.webhook === undefined
        ? undefined
        : new ConvertingSink({
            shows: services.registry,
            definition,
            sink: watcher,
            signal: stopped.signal,
            onFailed: (error) => fail(error),
          });
    const subscription = store.watch(definition.storageKey, since, converting ?? watcher);
    stopped.signal.addEventListener('abort', () => subscription.close(), { once: true });
    watcher.allowBacklog();
    if (!subscribed.bookmarks) return;
    keepMarking(services, timeoutMs, stopped.signal, () => {
      if (converting?.isBehind !== true) watcher.bookmark(store.revision);
    });
  };
  const stop = (): void => {
    if (stopped.signal.aborted) return;
    stopped.abort(new Error('the watch is over'));
    watcher.end();
  };
  const fail = (error: unknown): void => {
    if (stopped.signal.aborted) return;
    if (!(error instanceof ApiError)) services.logger.error('A watch failed', { error });
    const shown =
      error instanceof ApiError ? error : internalError('see the server log for the cause');
    // The head is out: the error is an event, as upstream's watch cache sends it.
    watcher.fail(shown.toStatus());
    stop();
  };

  const cancelTimeout = clock.schedule(timeoutMs, stop);
  stopped.signal.addEventListener('abort', cancelTimeout, { once: true });
  const { revision = 0, sendInitialEvents } = start;
  if (sendInitialEvents === true && revision > store.revision) {
    void waitForRevision(store, clock, revision, stopped.signal).then(begin).catch(fail);
  } else {
    try {
      begin()?.catch(fail);
    } catch (error) {
      fail(error);
    }
  }
  return stop;
}

/** Sends the present state where it is to come first. @returns the revision behind which events go on */
function sendInitial(
  { store, registry }: Services,
  { definition, watcher, start, selected, bookmarks }: Subscribed,
  signal: AbortSignal,
  onInitial: (events: number) => void,
): Revision | Promise<Revision> {
  const { revision = 0, sendInitialEvents = revision === 0 } = start;
  if (!sendInitialEvents) return revision === 0 ? store.revision : revision;
  const send = (list: ListResult): Revision => {
    onInitial(list.items.length);
    const marksEnd = start.sendInitialEvents === true && bookmarks;
    watcher.start(list.items, marksEnd ? list.revision : undefined);
    return list.revision;
  };
  const list = listShown(store, registry, definition, selected, signal);
  return list instanceof Promise ? list.then(send) : send(list);
}

/** Bookmarks each minute and shortly before the end. */
function keepMarking(
  { clock }: Services,
  timeoutMs: number,
  stopped: AbortSignal,
  mark: () => void,
): void {
  const again = (): void => {
    mark();
    cancelNext = clock.schedule(BOOKMARK_INTERVAL_MS, again);
  };
  let cancelNext = clock.schedule(BOOKMARK_INTERVAL_MS, again);
  const cancelFinal =
    timeoutMs > FINAL_BOOKMARK_MS
      ? clock.schedule(timeoutMs - FINAL_BOOKMARK_MS, mark)
      : () => undefined;
  const cancel = (): void => {
    cancelNext();
    cancelFinal();
  };
  stopped.addEventListener('abort', cancel, { once: true });
}

function timeoutOf(ids: IdSource, query: URLSearchParams): number {
  const seconds = integerParameter(query, 'timeoutSeconds');
  if (seconds !== undefined && seconds > 0) return seconds * 1000;
  const share = Number.parseInt(ids.hex(4), 16) / 0xffff;
  return MINIMUM_TIMEOUT_MS * (1 + share);
}
