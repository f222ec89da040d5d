// Follows services until each is rolled out or has failed: one line per instance as it changes, and the end of the log of the
// instance that failed, which is read while it is still there.
import { setImmediate as turn } from 'node:timers/promises';
import type { ApiObject, Client } from '#controllers/machinery/client-types.ts';
import { Informer } from '#controllers/machinery/informer.ts';
import { PODS, SERVICES } from '#controllers/machinery/resources.ts';
import { SERVICE_LABEL } from '#controllers/service/types.ts';
import type { Clock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { parseDuration } from '#controllers/machinery/duration.ts';
import { outcomeOf } from '../apply/rollout.ts';
import type { ServiceView } from '../apply/rollout.ts';
import type { Progress } from '../progress.ts';
import { instanceProgress } from './instance-progress.ts';
import { hasTrouble, logTail } from './log-tail.ts';
import type { InstancePod, LogReader } from './log-tail.ts';

export interface AwaitOptions {
  readonly client: Client & LogReader;
  readonly clock: Clock;
  readonly random: () => number;
  readonly progress: Progress;
  /** How many of the last lines of the log of what failed. */
  readonly logLines: number;
}

export interface Awaited {
  readonly namespace: string;
  readonly name: string;
  /** Of the spec that is to be rolled out. */
  readonly generation: number;
  /** Hash of the revision that it stands for, where that is known: a status of another one is of a moment before. */
  readonly revision?: string;
  /** Services of the namespace that it waits for. */
  readonly dependsOn?: readonly string[];
}

export type RolloutEnd =
  | { readonly state: 'ready'; readonly ready: number; readonly desired: number }
  | { readonly state: 'paused' }
  /** The rollout has come as far as it goes without somebody's word. */
  | { readonly state: 'awaiting'; readonly step: number }
  | { readonly state: 'deleted' }
  /** A service that it depends on did not get ready. */
  | { readonly state: 'blocked'; readonly by: string }
  | {
      readonly state: 'failed';
      readonly message: string;
      /** The instance that the message is about; '' when it is about none. */
      readonly pod: string;
      /** The end of its log. */
      readonly log: readonly string[];
    };

const MONITOR_PERIOD = '5s';

type ServiceObject = ApiObject &
  ServiceView & {
    readonly spec?: { readonly updateStrategy?: { readonly monitorPeriod?: string } };
  };

/** Resolves with how it ended. Rejects with the signal's reason when that aborts first. */
export async function awaitRollout(
  service: Awaited,
  options: AwaitOptions,
  signal: AbortSignal,
): Promise<RolloutEnd> {
  const { client, clock, random, progress } = options;
  const { namespace, name, generation, revision } = service;
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  const shared = { client, clock, random, logger: silentLogger };
  const pods = new Informer<InstancePod>({
    ...shared,
    resource: PODS,
    selectors: { namespace, labelSelector: `${SERVICE_LABEL}=${name}` },
  });
  const services = new Informer<ServiceObject>({
    ...shared,
    resource: SERVICES,
    selectors: { namespace, fieldSelector: `metadata.name=${name}` },
  });
  const last = new LastLines(client, options.logLines, either);
  const watched = await client
    .get<ServiceObject>(SERVICES, namespace, name, signal)
    .catch(() => undefined);
  const period = watched?.spec?.updateStrategy?.monitorPeriod ?? MONITOR_PERIOD;
  const lines = new InstanceLines(clock, progress, parseDuration(period) ?? 0);
  pods.onChange(({ type, object }) => {
    lines.tell(object, type === 'Deleted');
    if (type !== 'Deleted') last.see(object);
  });
  const { promise, resolve, reject } = Promise.withResolvers<RolloutEnd>();
  const onAbort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    void pods.run(either);
    await pods.synced(signal);
    services.onChange(({ type, object }) => {
      if (type === 'Deleted') resolve({ state: 'deleted' });
      // The list that the informer begins with may be of a moment before the change.
      else if ((object.metadata.generation ?? 0) >= generation) {
        // Of a generation after that, somebody else says what is rolled out.
        const isOurs = object.metadata.generation === generation;
        if (isOurs && revision !== undefined && object.status?.updateRevision !== revision) return;
        const end = endOf(object);
        if (end !== undefined) resolve(end);
      }
    });
    void services.run(either);
    void services.synced(either).then(
      () => {
        if (services.cache.list().length === 0) resolve({ state: 'deleted' });
      },
      () => undefined,
    );
    const end = await promise;
    // What is known of instances by now is told before the end.
    await turn();
    return end.state === 'failed' ? await withLog(end, pods.cache.list(), last) : end;
  } finally {
    signal.removeEventListener('abort', onAbort);
    lines.end();
    ended.abort(new Error('the rollout has ended'));
  }
}

/** Undefined while it goes on. */
export function endOf(service: ServiceView): RolloutEnd | undefined {
  const outcome = outcomeOf(service);
  if (outcome.state === 'failed') return { ...outcome, pod: '', log: [] };
  const { status, metadata } = service;
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 1)) return undefined;
  if (status?.awaitsPromotion === true) return { state: 'awaiting', step: (status.step ?? 0) + 1 };
  if (outcome.state === 'ready') return outcome;
  const progressing = status?.conditions?.find(({ type }) => type === 'Progressing');
  return progressing?.reason === 'Paused' ? { state: 'paused' } : undefined;
}

async function withLog(
  end: RolloutEnd & { readonly state: 'failed' },
  pods: readonly InstancePod[],
  last: LastLines,
): Promise<RolloutEnd> {
  const names = new Set([...last.names, ...pods.map(({ metadata }) => metadata.name)]);
  // The message begins with the instance that it is about; where it does not, one that failed is a good guess.
  const named = [...names].find((name) => end.message.includes(name));
  const pod = named ?? last.names.at(-1) ?? '';
  const present = pods.find(({ metadata }) => metadata.name === pod);
  return { ...end, pod, log: await last.of(pod, present) };
}

/** One line per instance; some change as time goes by. */
class InstanceLines {
  readonly #clock: Clock;
  readonly #progress: Progress;
  readonly #monitorMs: number;
  readonly #timers = new Map<string, () => void>();

  constructor(clock: Clock, progress: Progress, monitorMs: number) {
    this.#clock = clock;
    this.#progress = progress;
    this.#monitorMs = monitorMs;
  }

  tell(pod: InstancePod, isGone: boolean): void {
    const { namespace = 'default', name } = pod.metadata;
    const key = `${namespace}/${name}`;
    this.#timers.get(key)?.();
    this.#timers.delete(key);
    const { text, changesInMs } = isGone
      ? { text: 'Removed', changesInMs: undefined }
      : instanceProgress(pod, this.#monitorMs, this.#clock.now());
    this.#progress.update(key, `  ${name}  ${text}`);
    if (changesInMs !== undefined)
      this.#timers.set(
        key,
        this.#clock.schedule(changesInMs, () => this.tell(pod, false)),
      );
  }

  end(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }
}

/** Ends of logs of instances that are, or may soon be, gone. */
class LastLines {
  readonly #reader: LogReader;
  readonly #number: number;
  readonly #signal: AbortSignal;
  readonly #lines = new Map<string, Promise<readonly string[]>>();
  /** What an instance looked like when its log was read. */
  readonly #seen = new Map<string, string>();

  constructor(reader: LogReader, number: number, signal: AbortSignal) {
    this.#reader = reader;
    this.#number = number;
    this.#signal = signal;
  }

  /** Of instances that failed, in the order in which they did. */
  get names(): readonly string[] {
    return [...this.#lines.keys()];
  }

  see(pod: InstancePod): void {
    if (!hasTrouble(pod) || pod.metadata.deletionTimestamp !== undefined) return;
    const { name } = pod.metadata;
    const state = JSON.stringify(pod.status?.containerStatuses);
    if (this.#seen.get(name) === state) return;
    this.#seen.set(name, state);
    const before = this.#lines.get(name) ?? Promise.resolve([]);
    this.#lines.set(name, Promise.all([before, this.#read(pod)]).then(preferLast));
  }

  async of(name: string, pod: InstancePod | undefined): Promise<readonly string[]> {
    const before = (await this.#lines.get(name)) ?? [];
    return pod === undefined ? before : preferLast([before, await this.#read(pod)]);
  }

  #read(pod: InstancePod): Promise<readonly string[]> {
    if (this.#number === 0) return Promise.resolve([]);
    return logTail(this.#reader, pod, this.#number, this.#signal);
  }
}

function preferLast([before, now]: readonly (readonly string[])[]): readonly string[] {
  return (now ?? []).length > 0 ? (now ?? []) : (before ?? []);
}
