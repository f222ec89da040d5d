// What the server does by the clock: bookmarks, the end of watches and of requests, pings, waiting for slow requests when
// it stops. Long waits are turned by hand; what goes over the network takes its own time.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createInterface } from 'node:readline';
import { after, afterEach, before, describe, test } from 'node:test';

import { WebSocket } from 'ws';

import { systemClock } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';

import { CONFIG_MAPS, call, configMap, open, startTestPlane } from './control-plane-fixture.ts';
import type { TestPlane } from './control-plane-fixture.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** Waits below a second are real, so that batches and flushes go on; longer ones end when the test says so. */
class LongHands implements Clock {
  #ahead = 0;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  now(): number {
    return systemClock.now();
  }

  monotonic(): number {
    return systemClock.monotonic() + this.#ahead;
  }

  schedule(delayMs: number, callback: () => void): () => void {
    if (delayMs < SECOND) return systemClock.schedule(delayMs, callback);
    const timer = { at: this.monotonic() + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  advance(ms: number): void {
    this.#ahead += ms;
    const now = this.monotonic();
    for (const timer of [...this.#timers].filter(({ at }) => at <= now)) {
      if (this.#timers.delete(timer)) timer.callback();
    }
  }
}

const clock = new LongHands();
let fixture: TestPlane;
let base: string;

before(async () => {
  fixture = await startTestPlane({ clock });
  base = fixture.plane.url;
});
after(() => fixture.close());

const streams: IncomingMessage[] = [];
describe('a control plane over time', () => {
  afterEach(() => {
    for (const stream of streams.splice(0)) stream.destroy();
  });

  interface WatchEvent {
    readonly type: string;
    readonly object: {
      readonly kind: string;
      readonly metadata: { readonly name?: string; readonly resourceVersion: string };
    };
  }

  async function watch(query: string): Promise<() => Promise<WatchEvent | undefined>> {
    const stream = await open(base, fixture.admin, 'GET', `${CONFIG_MAPS}?watch=true&${query}`);
    streams.push(stream);
    const lines = createInterface({ input: stream })[Symbol.asyncIterator]();
    return async () => {
      const { value, done } = await lines.next();
      return done === true ? undefined : (JSON.parse(value) as WatchEvent);
    };
  }

  test('a watch is bookmarked every minute and before its end, where the client asked for that', async () => {
    const next = await watch('allowWatchBookmarks=true&timeoutSeconds=150');
    const made = await call(base, fixture.admin, 'POST', CONFIG_MAPS, configMap('marked'));
    assert.equal((await next())?.object.metadata.name, 'marked');
    const { resourceVersion } = made.json['metadata'] as { resourceVersion: string };
    for (const ms of [MINUTE, MINUTE, 28 * SECOND]) {
      clock.advance(ms);
      const mark = await next();
      assert.equal(mark?.type, 'BOOKMARK');
      assert.equal(mark.object.kind, 'ConfigMap');
      assert.ok(Number(mark.object.metadata.resourceVersion) >= Number(resourceVersion));
    }
    clock.advance(2 * SECOND);
    assert.equal(await next(), undefined);
  });

  test('a watch without bookmarks and timeout ends by itself, between half an hour and an hour', async () => {
    const next = await watch('resourceVersion=0&fieldSelector=metadata.name%3Dlate');
    clock.advance(30 * MINUTE - SECOND);
    await call(base, fixture.admin, 'POST', CONFIG_MAPS, configMap('late'));
    assert.equal((await next())?.type, 'ADDED');
    clock.advance(30 * MINUTE + SECOND);
    assert.equal(await next(), undefined);
  });

  test('a streaming list of a revision that does not come says so as an event', async () => {
    const streaming = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan';
    const next = await watch(`${streaming}&resourceVersion=1000000`);
    const first = next();
    clock.advance(3 * SECOND);
    const event = await first;
    assert.equal(event?.type, 'ERROR');
    assert.match(JSON.stringify(event.object), /Too large resource version: 1000000, current: /);
    assert.equal(await next(), undefined);
  });

  /** A create whose body does not come. */
  function startSlow(query = ''): ClientRequest {
    const request = httpsRequest(`${base}${CONFIG_MAPS}${query}`, {
      agent: fixture.admin,
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': 1000 },
    });
    request.on('error', () => undefined);
    request.write('{');
    return request;
  }

  /** Resolves when the server has the request in hand. */
  async function inFlight(count: number): Promise<void> {
    const pattern = new RegExp(`inflight_requests\\{request_kind="mutating"\\} ${count}`);
    for (;;) {
      const { text } = await call(base, fixture.admin, 'GET', '/metrics');
      if (pattern.test(text)) return;
    }
  }

  test('a request that takes too long is answered 504, sooner where the client said so', async () => {
    for (const [query, ms] of [
      ['', MINUTE],
      ['?timeout=5s', 5 * SECOND],
    ] as const) {
      const request = startSlow(query);
      await inFlight(1);
      clock.advance(ms - 2 * SECOND);
      await inFlight(1);
      clock.advance(2 * SECOND);
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      assert.equal(response.statusCode, 504);
      const status = JSON.parse(Buffer.concat(await response.toArray()).toString()) as object;
      assert.equal((status as { reason: string }).reason, 'Timeout');
      request.destroy();
      await inFlight(0);
    }
  });

  async function makeTalker(name: string): Promise<string> {
    const pods = '/api/v1/namespaces/default/pods';
    const made = await call(base, fixture.admin, 'POST', pods, {
      metadata: { name },
      spec: { nodeName: 'n1', containers: [{ name: 'main', image: 'x' }] },
    });
    assert.equal(made.code, 201, made.text);
    return `${pods}/${name}/log`;
  }

  async function dial(url: string, options: object = {}): Promise<WebSocket> {
    const webSocket = new WebSocket(
      `${base.replace('https', 'wss')}${url}`,
      url.endsWith('/tunnel') ? ['tunnel.windlass.dev.v1'] : [],
      { agent: fixture.node, ...options },
    );
    await once(webSocket, 'open');
    return webSocket;
  }

  async function askedSession(tunnel: WebSocket): Promise<string> {
    const [data] = (await once(tunnel, 'message')) as [Buffer];
    return (JSON.parse(data.toString()) as { session: string }).session;
  }

  test('a followed log ends on the node when the client leaves', async () => {
    const url = await makeTalker('followed');
    const tunnel = await dial('/windlass/v1/nodes/n1/tunnel');
    const answer = open(base, fixture.admin, 'GET', `${url}?follow=true`);
    const session = await dial(`/windlass/v1/sessions/${await askedSession(tunnel)}`);
    session.send('{"status":"ok"}');
    session.send(Buffer.from('line\n'));
    const stream = await answer;
    const [bytes] = (await once(stream, 'data')) as [Buffer];
    assert.equal(bytes.toString(), 'line\n');
    clock.advance(2 * MINUTE); // no timeout for what is followed
    session.send(Buffer.from('more\n'));
    await once(stream, 'data');
    stream.destroy();
    await once(session, 'close');
    tunnel.terminate();
  });

  test('a node that does not dial back is a 504 after ten seconds', async () => {
    const url = await makeTalker('silent');
    const tunnel = await dial('/windlass/v1/nodes/n1/tunnel');
    const answer = call(base, fixture.admin, 'GET', url);
    await askedSession(tunnel);
    clock.advance(10 * SECOND);
    assert.equal((await answer).code, 504);
    tunnel.terminate();
  });

  test('a tunnel is pinged, and dropped when no answer comes', async () => {
    const tunnel = await dial('/windlass/v1/nodes/n1/tunnel', { autoPong: false });
    clock.advance(20 * SECOND);
    await once(tunnel, 'ping');
    const closed = once(tunnel, 'close');
    clock.advance(20 * SECOND);
    await closed;
  });

  test('a stopping server ends watches, refuses new connections and waits for the slow', async () => {
    const other = await startTestPlane({ clock });
    const next = await watchOf(other);
    const slow = httpsRequest(`${other.plane.url}${CONFIG_MAPS}`, {
      agent: other.admin,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
    const text = JSON.stringify(configMap('slow'));
    slow.write(text.slice(0, 10));
    await once(slow, 'socket');
    while (
      !/kind="mutating"\} 1/.test(
        (await call(other.plane.url, other.admin, 'GET', '/metrics')).text,
      )
    );
    const closed = other.plane.close();
    assert.equal(await next(), undefined);
    await assert.rejects(call(other.plane.url, other.anonymous, 'GET', '/readyz'));
    slow.end(text.slice(10));
    const [response] = (await once(slow, 'response')) as [IncomingMessage];
    assert.equal(response.statusCode, 201);
    response.resume();
    await once(response, 'end');
    await closed;
    await other.close();
  });

  async function watchOf({ plane, admin }: TestPlane): Promise<() => Promise<string | undefined>> {
    const stream = await open(plane.url, admin, 'GET', `${CONFIG_MAPS}?watch=true`);
    const lines = createInterface({ input: stream })[Symbol.asyncIterator]();
    return async () => {
      const { value, done } = await lines.next();
      return done === true ? undefined : value;
    };
  }
});
