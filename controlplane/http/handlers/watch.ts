// GET of a collection with `watch=true`: a stream of events until the client leaves, the time is over, or the server stops.
import { ApiError, badRequest } from '../../api/errors.ts';
import type { ResourceDefinition } from '../../api/resource.ts';

import type { Handler, RequestContext } from '../context.ts';
import {
  booleanParameter,
  integerParameter,
  selectionOf,
  watchRevisionOf,
} from '../list-options.ts';
import type { Selection } from '../list-options.ts';
import { negotiate } from '../negotiate.ts';
import { baseHeaders } from '../respond.ts';
import type { Services } from '../services.ts';
import { parseIncludeObject } from '../table.ts';
import { BatchCache, asChunk } from '../watch-batches.ts';
import { WatchFlusher } from '../watch-flusher.ts';
import { EventEncoder, FrameCache } from '../watch-frames.ts';
import { Watcher } from '../watcher.ts';
import { beginLongAnswer } from '../long-answer.ts';
import { definitionOf } from './get.ts';

/** Longest time that an event waits for others, where its kind says nothing else. */
const USUAL_PACE_MS = 5;
const BOOKMARK_INTERVAL_MS = 60_000;
/** The last bookmark comes this long before the end. */
const FINAL_BOOKMARK_MS = 2000;
/** Watches without timeoutSeconds end after 30 to 60 minutes, spread so that clients do not come back all at once. */
const MINIMUM_TIMEOUT_MS = 1_800_000;

export function watchHandler(services: Services): Handler {
  const frames = new FrameCache();
  const batches = new BatchCache();
  const flushers = new Map<number, WatchFlusher>();
  const flusherOf = ({ watchPaceMs = USUAL_PACE_MS }: ResourceDefinition): WatchFlusher => {
    const flusher = flushers.get(watchPaceMs) ?? new WatchFlusher(services.clock, watchPaceMs);
    flushers.set(watchPaceMs, flusher);
    return flusher;
  };

  return (context) => {
    const definition = definitionOf(context);
    const { query } = context.info;
    const { request, response } = context;
    const representation = negotiate(request.headers.accept);
    if (representation.media !== 'json') {
      throw badRequest('watch streams are JSON: ask for application/json');
    }
    if (request.httpVersionMinor < 1) throw badRequest('watch needs HTTP/1.1');
    const since = watchRevisionOf(query);
    const selection = selectionOf(context, definition);
    const includeObject = parseIncludeObject(query.get('includeObject'));
    const timeoutMs = timeoutOf(services, query);

    const headers = baseHeaders(context, 'application/json');
    headers.push('Transfer-Encoding', 'chunked');
    beginLongAnswer(services, context);
    response.writeHead(200, headers);
    response.flushHeaders();
    const socket = response.socket;
    if (socket === null) return; // gone between parsing and now

    const watcher = new Watcher(
      {
        response,
        encoder: new EventEncoder(
          definition,
          representation,
          includeObject,
          frames,
          services.clock,
        ),
        batches,
        flusher: flusherOf(definition),
        namespace: definition.namespaced ? context.info.namespace : '',
        matches: selection.matches,
        selectorText: selection.text,
        onSent: (events, bytes) => services.metrics.watchEvents(context, events, bytes),
        onTooSlow: () => services.metrics.watcherTerminated(context),
        onFailed: (error) => services.logger.error('Cannot encode a watch event', { error }),
      },
      socket,
    );
    subscribe(services, context, watcher, since, selection.matches, timeoutMs);
  };
}

function subscribe(
  services: Services,
  context: RequestContext,
  watcher: Watcher,
  since: number | undefined,
  matches: Selection['matches'] | undefined,
  timeoutMs: number,
): void {
  const definition = definitionOf(context);
  const { store, clock } = services;
  let from = since ?? 0;
  if (from === 0) {
    const { namespace } = context.info;
    const list = store.list(definition.storageKey, {
      ...(namespace === '' || !definition.namespaced ? {} : { namespace }),
      ...(matches === undefined ? {} : { matches }),
    });
    services.metrics.initialEvents(context, list.items.length);
    watcher.start(list.items);
    from = list.revision;
  }
  let subscription;
  try {
    subscription = store.watch(definition.storageKey, from, watcher);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // The head is out: the error is an event, as upstream's watch cache sends it.
    const event = JSON.stringify({ type: 'ERROR', object: error.toStatus() });
    context.response.socket?.write(asChunk([Buffer.from(`${event}\n`)]));
    watcher.end();
    return;
  }
  watcher.allowBacklog();

  const timers = startTimers(services, context, watcher, timeoutMs);
  const stop = (): void => {
    timers();
    subscription.close();
    watcher.end();
  };
  context.onDrain = stop;
  context.response.once('close', stop);
  const cancelTimeout = clock.schedule(timeoutMs, stop);
  context.response.once('close', cancelTimeout);
}

/** Bookmarks each minute and shortly before the end; returns how to stop. */
function startTimers(
  { clock, store }: Services,
  context: RequestContext,
  watcher: Watcher,
  timeoutMs: number,
): () => void {
  if (!booleanParameter(context.info.query, 'allowWatchBookmarks')) return () => undefined;
  const mark = (): void => watcher.bookmark(store.revision);
  const again = (): void => {
    mark();
    cancelNext = clock.schedule(BOOKMARK_INTERVAL_MS, again);
  };
  let cancelNext = clock.schedule(BOOKMARK_INTERVAL_MS, again);
  const cancelFinal =
    timeoutMs > FINAL_BOOKMARK_MS
      ? clock.schedule(timeoutMs - FINAL_BOOKMARK_MS, mark)
      : () => undefined;
  return () => {
    cancelNext();
    cancelFinal();
  };
}

function timeoutOf({ ids }: Services, query: URLSearchParams): number {
  const seconds = integerParameter(query, 'timeoutSeconds');
  if (seconds !== undefined && seconds > 0) return seconds * 1000;
  const share = Number.parseInt(ids.hex(4), 16) / 0xffff;
  return MINIMUM_TIMEOUT_MS * (1 + share);
}
