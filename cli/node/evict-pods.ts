// Evicts Pods and waits until they are gone: each by itself, again and again while its budget does not allow it.
import type { ApiObject, Client } from '#controllers/machinery/client-types.ts';
import { Informer } from '#controllers/machinery/informer.ts';
import {
  isConflict,
  isNamespaceTerminating,
  isNotFound,
  RequestError,
} from '#controllers/machinery/request-error.ts';
import { PODS } from '#controllers/machinery/resources.ts';
import type { Clock } from '#platform/clock.ts';
import { sleep } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import type { Progress } from '../progress.ts';
import { nameOf } from './node-content.ts';

export interface EvictOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: () => number;
  readonly progress: Progress;
  readonly node: string;
  /** Seconds; undefined: what the Pod asks for. */
  readonly gracePeriodSeconds: number | undefined;
  /** Deletes without asking budgets. */
  readonly disableEviction: boolean;
}

export interface Failure {
  readonly pod: ApiObject;
  readonly problem: string;
}

/** As kubectl. */
const RETRY_MS = 5_000;

/**
 * Resolves when all are gone or have failed for another reason than a budget. When the signal aborts, what is left is a failure too.
 *
 * @param evicted Pods to evict. @param awaited Pods that are stopping already
 */
export async function evictPods(
  evicted: readonly ApiObject[],
  awaited: readonly ApiObject[],
  options: EvictOptions,
  signal: AbortSignal,
): Promise<readonly Failure[]> {
  const ending = new AbortController();
  const watch = new PodWatch(options, AbortSignal.any([signal, ending.signal]));
  try {
    const results = await Promise.all([
      ...evicted.map((pod) => new Eviction(pod, watch, options).run(true, signal)),
      ...awaited.map((pod) => new Eviction(pod, watch, options).run(false, signal)),
    ]);
    return results.filter((result) => result !== undefined);
  } finally {
    ending.abort(new Error('all are gone'));
  }
}

/** One Pod on its way, and its line of the progress. */
class Eviction {
  readonly #pod: ApiObject;
  readonly #watch: PodWatch;
  readonly #options: EvictOptions;
  #last = '';

  constructor(pod: ApiObject, watch: PodWatch, options: EvictOptions) {
    this.#pod = pod;
    this.#watch = watch;
    this.#options = options;
  }

  async run(asks: boolean, signal: AbortSignal): Promise<Failure | undefined> {
    const pod = this.#pod;
    try {
      if (asks) await this.#evict(signal);
      this.#say('is stopping');
      await this.#watch.gone(pod, signal);
      this.#say('is gone');
      return undefined;
    } catch (error) {
      const problem = signal.aborted ? this.#last : (error as Error).message;
      if (!signal.aborted) this.#say(problem);
      return { pod, problem };
    }
  }

  #say(text: string): void {
    this.#last = text;
    const key = nameOf(this.#pod);
    this.#options.progress.update(key, `  ${key}  ${text}`);
  }

  async #evict(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await ask(this.#pod, this.#options, signal);
        return;
      } catch (error) {
        // Gone, or another one has its name by now.
        if (isNotFound(error) || isConflict(error)) return;
        const wait = waitFor(error);
        if (wait === undefined) throw error;
        this.#say(wait);
        await sleep(this.#options.clock, RETRY_MS, signal);
      }
    }
  }
}

async function ask(pod: ApiObject, options: EvictOptions, signal: AbortSignal): Promise<void> {
  const { client, disableEviction, gracePeriodSeconds } = options;
  const { namespace = 'default', name, uid } = pod.metadata;
  const grace = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds };
  if (disableEviction) {
    await client.delete(PODS, namespace, name, { uid, ...grace }, signal);
    return;
  }
  const body = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace },
    deleteOptions: { preconditions: { uid }, ...grace },
  };
  await client.connect(PODS, namespace, name, 'eviction', body, signal);
}

/** Why to come again; undefined for what will not pass. */
function waitFor(error: unknown): string | undefined {
  if (isNamespaceTerminating(error)) return 'waits: its namespace is being deleted';
  if (!(error instanceof RequestError) || error.code !== 429) return undefined;
  const cause = error.details?.causes?.find(({ reason }) => reason === 'DisruptionBudget');
  return `waits: ${cause?.message ?? error.message}`;
}

/** Sees Pods go. */
class PodWatch {
  readonly #informer: Informer<ApiObject>;
  readonly #signal: AbortSignal;

  constructor({ client, clock, random, node }: EvictOptions, signal: AbortSignal) {
    this.#informer = new Informer<ApiObject>({
      client,
      resource: PODS,
      selectors: { fieldSelector: `spec.nodeName=${node}` },
      clock,
      logger: silentLogger,
      random,
    });
    this.#signal = signal;
    void this.#informer.run(signal);
  }

  async gone({ metadata }: ApiObject, signal: AbortSignal): Promise<void> {
    await this.#informer.synced(this.#signal);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const isGone = (): boolean =>
      this.#informer.cache.get(metadata.namespace ?? '', metadata.name)?.metadata.uid !==
      metadata.uid;
    const check = (): void => {
      if (isGone()) resolve();
    };
    const stop = this.#informer.onChange(check);
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    check();
    if (signal.aborted) onAbort();
    try {
      await promise;
    } finally {
      stop();
      signal.removeEventListener('abort', onAbort);
    }
  }
}
