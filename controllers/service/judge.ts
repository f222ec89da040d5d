// What one instance is, measured against a revision: updated, available, failing. Pure; made once per plan, and remembers per
// revision what it found, since thousands of instances share a few revisions.
import { evaluateChange } from './evaluate.ts';
import type { Evaluation } from './evaluate.ts';
import { pinTemplate } from './image-digests.ts';
import type { Instance } from './instance.ts';
import type { PlanInput, RevisionFacts } from './plan-types.ts';

const UNKNOWN: Evaluation = { verdict: 'needs-recreate', reasons: [] };
const SAME: Evaluation = { verdict: 'up-to-date', reasons: [] };

/** The same tag may stand for other bytes by now; what only one of them knows tells nothing. */
function evaluateRevisions(from: RevisionFacts, to: RevisionFacts): Evaluation {
  const moved = new Set(
    [...from.digests].flatMap(([image, digest]) => {
      const other = to.digests.get(image);
      return other === undefined || other === digest ? [] : [image];
    }),
  );
  if (moved.size === 0) return evaluateChange(from.data, to.data);
  const pinned = ({ data, digests }: RevisionFacts): RevisionFacts['data'] => ({
    ...data,
    template: pinTemplate(
      data.template,
      new Map([...digests].filter(([image]) => moved.has(image))),
    ),
  });
  return evaluateChange(pinned(from), pinned(to));
}

export class Judge {
  readonly #input: PlanInput;
  readonly #evaluations = new Map<string, Evaluation>();
  #wakeInMs: number | undefined;

  constructor(input: PlanInput) {
    this.#input = input;
  }

  /** What it takes to bring an instance of one revision to another. */
  evaluate(from: string, to: RevisionFacts): Evaluation {
    if (from === to.hash) return SAME;
    const key = `${from}/${to.hash}`;
    const known = this.#evaluations.get(key);
    if (known !== undefined) return known;
    const revision = this.#input.revisions.get(from);
    const evaluation = revision === undefined ? UNKNOWN : evaluateRevisions(revision, to);
    this.#evaluations.set(key, evaluation);
    return evaluation;
  }

  matches({ revision }: Instance, to: RevisionFacts): boolean {
    return this.evaluate(revision, to).verdict === 'up-to-date';
  }

  isAvailable(instance: Instance): boolean {
    const { now, settings } = this.#input;
    if (instance.readySince === undefined || instance.terminating) return false;
    const until = instance.probed ? 0 : watchedUntil(instance.readySince, settings.monitorMs);
    if (now < until) this.wakeAt(until);
    return now >= until;
  }

  /** Why an instance of the target will not become available, in words; `undefined` as long as it still may. */
  failureOf(instance: Instance): string | undefined {
    const { now, watchingSince, settings } = this.#input;
    // One that is ready again after its node was away has its monitor period before it.
    if (this.isAvailable(instance) || instance.readySince !== undefined) return undefined;
    const trouble = instance.trouble === '' ? 'it never became ready' : instance.trouble;
    // What was ready until its node fell silent has as long as a new one to come back.
    const silentSince = instance.silentSince === 'now' ? now : (instance.silentSince ?? 0);
    const since = Math.max(instance.createdAt, watchingSince, silentSince);
    if (instance.crashLooping) {
      const until = since + settings.monitorMs;
      if (now >= until) {
        return `${instance.name}: is restarting after monitor period (${settings.monitorMs / 1_000}s): ${trouble}`;
      }
      this.wakeAt(until);
    }
    const deadline = since + settings.progressDeadlineMs;
    if (now >= deadline) return `${instance.name}: ${trouble}`;
    this.wakeAt(deadline);
    return undefined;
  }

  /** Collects moments at which the plan would look different. */
  wakeAt(time: number): void {
    const delay = time - this.#input.now;
    if (delay > 0 && (this.#wakeInMs === undefined || delay < this.#wakeInMs))
      this.#wakeInMs = delay;
  }

  get wakeInMs(): number | undefined {
    return this.#wakeInMs;
  }
}

/** Times of the API are whole seconds: what says so may have happened up to this much later. */
const RESOLUTION_MS = 999;

/**
 * When an instance without probes has been watched for long enough, in milliseconds since the epoch: never before the monitor period
 * has passed, however its time was rounded.
 */
export function watchedUntil(readySince: number, monitorMs: number): number {
  return monitorMs === 0 ? readySince : readySince + monitorMs + RESOLUTION_MS;
}
