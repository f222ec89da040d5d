// What the store's tests share: a clock to turn, objects to write, a sink that writes down what it hears.
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '#platform/clock.ts';
import type { KubernetesObject } from '../api/object.ts';
import { ScriptedLog } from './scripted-log.ts';
import { openStore } from './store.ts';
import type { OpenStoreOptions } from './store.ts';
import type { StoreEvent, WatchSink, WriteOptions } from './types.ts';

export const PODS = 'core/pods';

/** Hands that the test turns. */
export class TestClock implements Clock {
  #now = 1_000_000;
  #timers: { readonly at: number; readonly callback: () => void }[] = [];
  now(): number {
    return this.#now;
  }
  monotonic(): number {
    return this.#now;
  }
  schedule(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }
  async advance(ms: number): Promise<void> {
    this.#now += ms;
    const due = this.#timers.filter(({ at }) => at <= this.#now);
    this.#timers = this.#timers.filter(({ at }) => at > this.#now);
    for (const { callback } of due) callback();
    await turn();
  }
}

export function pod(name: string, fields: Record<string, unknown> = {}): KubernetesObject {
  return {
    metadata: { name, namespace: 'default', uid: `uid-${name}`, labels: { app: name } },
    ...fields,
    apiVersion: 'v1',
    kind: 'Pod',
  };
}

export function at(name: string, expectedRevision: number): WriteOptions {
  return { resource: PODS, namespace: 'default', name, expectedRevision };
}

export async function fixture(options: Partial<OpenStoreOptions> = {}) {
  const log = new ScriptedLog();
  const clock = new TestClock();
  const store = await openStore({ log, clock, ...options });
  return {
    log,
    clock,
    store,
    reopen: () => openStore({ log, clock, ...options }),
  };
}

export function recorder(): WatchSink & { readonly seen: string[][]; closings: number } {
  return {
    seen: [],
    closings: 0,
    events(events: readonly StoreEvent[]) {
      this.seen.push(
        events.map(({ type, revision, object }) => `${type} ${object.name}@${revision}`),
      );
    },
    closed() {
      this.closings += 1;
    },
  };
}
