// For tests of this folder: a registry over a real store in a temporary directory, with a clock that stands still.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openMachineId } from '#persistence/machine-id.ts';
import { openPersistence } from '#persistence/open.ts';
import { builtinDefinitions } from '#controlplane/api/builtin/definitions.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import { builtinSchema } from '#controlplane/api/schema/corpus.ts';
import { Scheme } from '#controlplane/api/scheme.ts';
import { openStore } from '#controlplane/store/store.ts';
import type { Store, StoredObject } from '#controlplane/store/types.ts';
import type { Clock } from '#platform/clock.ts';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { silentLogger } from '#platform/logging.ts';
import type { Admission } from './admission.ts';
import type { RunningRegistry } from './registry.ts';
import { createRegistry } from './registry.ts';
import type { WriteContext } from './types.ts';

/** Stands still until told otherwise; timers fire when `advance` passes them. */
export class TestClock implements Clock {
  #now = Date.UTC(2026, 10, 21, 12, 0, 0);
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  schedule(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  advance(ms: number): void {
    this.#now += ms;
    for (const timer of this.#timers) {
      if (timer.at > this.#now || !this.#timers.delete(timer)) continue;
      timer.callback();
    }
  }
}

export interface Fixture {
  readonly registry: RunningRegistry;
  readonly store: Store;
  readonly scheme: Scheme;
  readonly clock: TestClock;
  /** Warnings given so far. */
  readonly warnings: string[];
  /** A definition by `apiVersion` and plural; fails the test when nothing serves it. */
  kind(apiVersion: string, resource: string): ResourceDefinition;
  context(changes?: Partial<WriteContext>): WriteContext;
  /** Creates and returns the stored object. */
  create(object: unknown, changes?: Partial<WriteContext>): Promise<KubernetesObject>;
  read(
    apiVersion: string,
    resource: string,
    namespace: string,
    name: string,
  ): KubernetesObject | undefined;
  /** Stops everything and starts again on the same data. */
  restart(): Promise<Fixture>;
  close(): Promise<void>;
}

/** @param admission who is asked about writes */
export async function openFixture(admission?: Admission): Promise<Fixture> {
  const directory = await mkdtemp(join(tmpdir(), 'windlass-registry-'));
  return openOn(directory, new TestClock(), admission);
}

async function openOn(
  directory: string,
  clock: TestClock,
  admission?: Admission,
): Promise<Fixture> {
  const machineId = await openMachineId(directory);
  const url = `sqlite:${join(directory, 'state.db')}`;
  // The backend lives in real time; only what the API shows is frozen.
  const log = await openPersistence({ urls: [url], machineId, clock: systemClock });
  const store = await openStore({ log, clock: systemClock });
  const scheme = new Scheme();
  scheme.add(builtinDefinitions(builtinSchema));
  const registry = createRegistry({
    scheme,
    store,
    clock,
    ids: systemIds,
    logger: silentLogger,
    ...(admission === undefined ? {} : { admission }),
  });
  const signal = new AbortController().signal;
  await registry.bootstrap([], signal);
  const warnings: string[] = [];
  const stop = async (): Promise<void> => {
    await registry.close();
    await store[Symbol.asyncDispose]();
    await log[Symbol.asyncDispose]();
  };

  const fixture: Fixture = {
    registry,
    store,
    scheme,
    clock,
    warnings,
    kind(apiVersion, resource) {
      const slash = apiVersion.indexOf('/');
      const group = slash < 0 ? '' : apiVersion.slice(0, slash);
      const found = scheme.byResource(group, apiVersion.slice(slash + 1), resource);
      if (found === undefined) throw new Error(`nothing serves ${apiVersion} ${resource}`);
      return found;
    },
    context: (changes = {}) => ({
      user: { name: 'tester', groups: ['system:masters'] },
      dryRun: false,
      fieldValidation: 'Strict',
      fieldManager: 'test',
      warn: (text) => warnings.push(text),
      signal,
      ...changes,
    }),
    async create(value, changes) {
      const object = structuredClone(value) as KubernetesObject;
      const slash = object.apiVersion.indexOf('/');
      const group = slash < 0 ? '' : object.apiVersion.slice(0, slash);
      const found = scheme.byKind(group, object.apiVersion.slice(slash + 1), object.kind);
      if (found === undefined) throw new Error(`nothing serves ${object.kind}`);
      const namespace = found.namespaced ? (object.metadata.namespace ?? 'default') : '';
      const body = { object, problems: [] };
      return decode(await registry.create(found, namespace, body, fixture.context(changes)));
    },
    read(apiVersion, resource, namespace, name) {
      const { storageKey } = fixture.kind(apiVersion, resource);
      const stored = store.get(storageKey, namespace, name);
      return stored === undefined ? undefined : decode(stored);
    },
    async restart() {
      await stop();
      return openOn(directory, clock, admission);
    },
    async close() {
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
  return fixture;
}

export function decode(stored: StoredObject): KubernetesObject {
  return JSON.parse(stored.bytes.toString()) as KubernetesObject;
}
