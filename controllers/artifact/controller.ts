// Keeps what Artifacts describe in the store, verified, and says so in their status. What is settled costs no write and no request.
import { isDeepStrictEqual } from 'node:util';
import { artifactsNamedBy, usersOf } from './artifact-users.ts';
import type { ArtifactUser } from './artifact-users.ts';
import { bringArtifact } from './bring-artifact.ts';
import { parseDigest } from '../binaries/digest.ts';
import { keyOf, parseKey } from '../machinery/cache.ts';
import type { CacheView } from '../machinery/cache.ts';
import { isConditionTrue } from '../machinery/conditions.ts';
import { Controller, DONE } from '../machinery/controller.ts';
import type { ReconcileResult } from '../machinery/controller.ts';
import type { EventRecorder } from '../machinery/events.ts';
import type { Informer } from '../machinery/informer.ts';
import type { Manager } from '../machinery/manager.ts';
import { ARTIFACTS, CLUSTERS, MACHINES } from '../machinery/resources.ts';
import { timestamp } from '../machinery/timestamps.ts';
import { keptDigests } from './kept-digests.ts';
import type { Outcome } from './outcome.ts';
import type { ArtifactParts } from './parts.ts';
import { isLocal, planSources } from './plan-sources.ts';
import { planStatus } from './plan-status.ts';
import { ProgressWriter } from './progress-writer.ts';
import { retryDelay } from './retry-delay.ts';
import { ARTIFACT_FINALIZER } from './types.ts';
import type { Artifact, ArtifactStatus } from './types.ts';

/** Fetches at the same time. */
const DOWNLOADS = 5;
/** Entries that are settled are looked at again. */
const VERIFY_EVERY_MS = 6 * 3600_000;
const PROBE_EVERY_MS = 15 * 60_000;
const COLLECT_EVERY_MS = 3600_000;
const COLLECT_SOON_MS = 2_000;
/** Until it is known who names what. */
const UNKNOWN_USERS_MS = 5_000;
/** No name of an object: those have a namespace. */
const COLLECT = 'collect';

interface Running {
  readonly generation: number | undefined;
  readonly uid: string;
  readonly abort: AbortController;
}

export function addArtifactController(manager: Manager, parts: ArtifactParts): void {
  const controller = new ArtifactController(manager, parts);
  manager.add(controller.loop);
  manager.add({
    name: 'artifact-users',
    run: (signal) => controller.lookAgainOnceUsersAreKnown(signal),
  });
}

class ArtifactController {
  readonly loop: Controller;
  readonly #manager: Manager;
  readonly #parts: ArtifactParts;
  readonly #artifacts: CacheView<Artifact>;
  readonly #machines: Informer<ArtifactUser>;
  readonly #clusters: Informer<ArtifactUser>;
  readonly #events: EventRecorder;
  readonly #running = new Map<string, Running>();
  readonly #failures = new Map<string, number>();

  constructor(manager: Manager, parts: ArtifactParts) {
    this.#manager = manager;
    this.#parts = parts;
    const { clock, logger, metrics, random } = manager;
    const artifacts = manager.informer<Artifact>(ARTIFACTS);
    this.#artifacts = artifacts.cache;
    this.#machines = manager.informer<ArtifactUser>(MACHINES);
    this.#clusters = manager.informer<ArtifactUser>(CLUSTERS);
    this.#events = manager.recorder('windlass-artifact');
    this.loop = new Controller({
      name: 'artifact',
      reconcile: (key, signal) =>
        key === COLLECT ? this.#collect(signal) : this.#reconcile(key, signal),
      waitFor: [artifacts],
      concurrency: DOWNLOADS,
      clock,
      logger,
      metrics,
      random,
    });
    artifacts.onChange(({ type, object }) => {
      const key = keyOf(object);
      const running = this.#running.get(key);
      const isOther =
        type === 'Deleted' ||
        running?.generation !== object.metadata.generation ||
        running?.uid !== object.metadata.uid;
      // What is being fetched is no longer what is wanted.
      if (running !== undefined && isOther) running.abort.abort(new Error('the Artifact changed'));
      if (type === 'Deleted') this.loop.queue.addAfter(COLLECT, COLLECT_SOON_MS);
      this.loop.queue.add(key);
    });
    for (const informer of [this.#machines, this.#clusters])
      informer.onChange((change) => {
        const before = change.type === 'Updated' ? artifactsNamedBy(change.previous) : [];
        const after = artifactsNamedBy(change.object);
        const isSame = change.type === 'Updated' && isDeepStrictEqual(before, after);
        const { namespace } = change.object.metadata;
        if (isSame || namespace === undefined) return;
        for (const name of new Set([...before, ...after]))
          this.loop.queue.add(`${namespace}/${name}`);
      });
    this.loop.queue.add(COLLECT);
  }

  /** Who is not there any more tells nobody. */
  async lookAgainOnceUsersAreKnown(signal: AbortSignal): Promise<void> {
    try {
      await Promise.all([this.#machines.synced(signal), this.#clusters.synced(signal)]);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    for (const artifact of this.#artifacts.list()) this.loop.queue.add(keyOf(artifact));
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { namespace, name } = parseKey(key);
    const artifact = this.#artifacts.get(namespace, name);
    if (artifact === undefined) {
      this.#failures.delete(key);
      return DONE;
    }
    const users = this.#usersOf(artifact);
    if (artifact.metadata.deletionTimestamp !== undefined)
      return this.#release(artifact, users, signal);
    if (users !== undefined) await this.#protect(artifact, users.length > 0, signal);
    const abort = new AbortController();
    const { generation, uid } = artifact.metadata;
    this.#running.set(key, { generation, uid, abort });
    try {
      const outcome = await this.#bring(artifact, AbortSignal.any([signal, abort.signal]));
      return await this.#settle(key, artifact, outcome, signal);
    } catch (error) {
      // The change that ended it has put the key back into the queue.
      if (abort.signal.aborted && !signal.aborted) return DONE;
      throw error;
    } finally {
      this.#running.delete(key);
    }
  }

  async #bring(artifact: Artifact, signal: AbortSignal): Promise<Outcome> {
    const { clock } = this.#manager;
    const { namespace = '' } = artifact.metadata;
    const progress = new ProgressWriter(clock, (now) =>
      this.#patch(artifact, { progress: now }, signal),
    );
    try {
      return await bringArtifact(
        this.#parts.bring,
        { namespace, spec: artifact.spec, knownDigest: knownDigest(artifact) },
        { signal, onProgress: progress.onProgress },
      );
    } finally {
      await progress.settled();
    }
  }

  async #settle(
    key: string,
    artifact: Artifact,
    outcome: Outcome,
    signal: AbortSignal,
  ): Promise<ReconcileResult> {
    const { clock, random } = this.#manager;
    const before = artifact.status ?? {};
    const status = planStatus(artifact, outcome, this.#usersOf(artifact), timestamp(clock.now()));
    const { metadata } = artifact;
    const shown = this.#artifacts.get(metadata.namespace ?? '', metadata.name)?.status;
    const isWriting = !isDeepStrictEqual(status, before) || shown?.progress !== undefined;
    if (isWriting) await this.#replace(artifact, status, signal);
    this.#tell(artifact, outcome, status);
    if (status.digest !== before.digest) this.loop.queue.addAfter(COLLECT, COLLECT_SOON_MS);
    if (outcome.state !== 'failed') {
      this.#failures.delete(key);
      if (outcome.state === 'existing') return DONE;
      const everyMs = outcome.state === 'cached' ? VERIFY_EVERY_MS : PROBE_EVERY_MS;
      const plan = planSources(artifact.spec);
      const isFile = !('problem' in plan) && isLocal(plan);
      // Files of this machine do not say when somebody changes them.
      const delayMs = isFile ? this.#parts.localEveryMs : everyMs;
      return { outcome: 'requeueAfter', delayMs };
    }
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const delayMs = retryDelay(failures, outcome.retryAfterMs, random());
    return { outcome: 'requeueAfter', delayMs };
  }

  #tell(artifact: Artifact, outcome: Outcome, status: ArtifactStatus): void {
    if (outcome.state === 'failed') {
      const ready = artifact.status?.conditions?.find(({ type }) => type === 'Ready');
      // Once for each failure, not for each attempt.
      if (ready?.reason === outcome.failure && ready.message === outcome.message) return;
      this.#events.record(ARTIFACTS, artifact, 'Warning', outcome.failure, outcome.message);
    } else if (outcome.state === 'cached' && outcome.source !== undefined) {
      const message = `Fetched ${outcome.size} bytes from ${outcome.source}: ${status.digest}`;
      this.#events.record(ARTIFACTS, artifact, 'Normal', 'Fetched', message);
    }
  }

  /** Undefined: not known yet. */
  #usersOf(artifact: Artifact): readonly string[] | undefined {
    if (!this.#machines.hasSynced || !this.#clusters.hasSynced) return undefined;
    return usersOf(artifact, [
      { kind: 'Machine', objects: this.#machines.cache.list() },
      { kind: 'Cluster', objects: this.#clusters.cache.list() },
    ]);
  }

  /** One that is deleted goes when nobody names it any more. */
  async #release(
    artifact: Artifact,
    users: readonly string[] | undefined,
    signal: AbortSignal,
  ): Promise<ReconcileResult> {
    // When that is known, all are looked at again.
    if (users === undefined) return DONE;
    if (users.length === 0) {
      await this.#protect(artifact, false, signal);
      return DONE;
    }
    const message = `It goes when these do not name it any more: ${users.slice(0, 10).join(', ')}`;
    this.#events.record(ARTIFACTS, artifact, 'Warning', 'InUse', message);
    return DONE;
  }

  async #protect(artifact: Artifact, isWanted: boolean, signal: AbortSignal): Promise<void> {
    const { name, namespace = '', resourceVersion, finalizers = [] } = artifact.metadata;
    if (finalizers.includes(ARTIFACT_FINALIZER) === isWanted) return;
    const others = finalizers.filter((finalizer) => finalizer !== ARTIFACT_FINALIZER);
    const next = isWanted ? [...others, ARTIFACT_FINALIZER] : others;
    // Of this very version: the list is replaced as a whole.
    const patch = { metadata: { resourceVersion, finalizers: next } };
    await this.#manager.client.patch(ARTIFACTS, namespace, name, '', 'merge', patch, signal);
  }

  /** The whole status: what is not in it any more goes. */
  async #replace(artifact: Artifact, status: ArtifactStatus, signal: AbortSignal): Promise<void> {
    const gone = { digest: null, size: null, cacheKey: null, source: null, usedBy: null };
    await this.#patch(artifact, { ...gone, retained: null, progress: null, ...status }, signal);
  }

  /** Of this very object: one that was made anew under its name is another. */
  async #patch(artifact: Artifact, status: object, signal: AbortSignal): Promise<void> {
    const { name, namespace = '', uid } = artifact.metadata;
    const patch = { metadata: { uid }, status };
    await this.#manager.client.patch(ARTIFACTS, namespace, name, 'status', 'merge', patch, signal);
  }

  async #collect(signal: AbortSignal): Promise<ReconcileResult> {
    const { store, metrics, unusedMs } = this.#parts;
    // Before it is known what lies on machines, nothing is anybody's to remove.
    if (!this.#machines.hasSynced) return { outcome: 'requeueAfter', delayMs: UNKNOWN_USERS_MS };
    const keep = await keptDigests(
      store,
      this.#artifacts.list(),
      this.#machines.cache.list(),
      signal,
    );
    const removed = await store.collect(keep, unusedMs);
    if (removed.length > 0)
      this.#manager.logger.info('Removed artifacts that nobody uses', { count: removed.length });
    metrics.stored(await store.list());
    return { outcome: 'requeueAfter', delayMs: COLLECT_EVERY_MS };
  }
}

/** What was found out for this very spec, and proved right. */
function knownDigest({ metadata, status }: Artifact): string | undefined {
  const isCurrent = status?.observedGeneration === metadata.generation;
  if (!isCurrent || !isConditionTrue(status?.conditions, 'Ready')) return undefined;
  return parseDigest(status?.digest ?? '');
}
