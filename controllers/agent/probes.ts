// Probes of one running container: asks on time, counts, and says what follows. The startup probe comes first and holds the others
// back; liveness failures ask for a restart; readiness decides whether traffic may come.
import type { V1Probe } from '@kubernetes/client-node';
import type { Clock } from '#platform/clock.ts';
import type { Container } from './pod.ts';
import { unsupportedProbe } from './probe-request.ts';
import type { ProbeOutcome } from './probe-request.ts';

export type ProbeType = 'startup' | 'liveness' | 'readiness';

export interface ProbeEvents {
  /** `started` or `ready` is another than before. */
  readonly changed: () => void;
  /** One probe failed; for an Event. */
  readonly failed: (type: ProbeType, message: string) => void;
  /** The startup or liveness probe has failed as often as allowed: the container must go. Told once. */
  readonly unhealthy: (type: ProbeType, message: string) => void;
  readonly counted: (type: ProbeType, result: 'successful' | 'failed') => void;
}

export interface ProbesOptions {
  readonly container: Container;
  /** When the container started, in ms; initialDelaySeconds count from it. */
  readonly startedAt: number;
  /** It ran before this agent did, and was ready then. The first answer of its readiness probe decides, whatever the thresholds. */
  readonly adoptedReady: boolean;
  readonly clock: Clock;
  /** Never rejects; a probe that takes longer than `timeoutMs` is a failure. */
  readonly request: (probe: V1Probe, timeoutMs: number) => Promise<ProbeOutcome>;
  readonly events: ProbeEvents;
}

/** What the thresholds make of a row of results. */
export interface Streak {
  readonly successes: number;
  readonly failures: number;
}

export function nextStreak(streak: Streak, success: boolean): Streak {
  return success
    ? { successes: streak.successes + 1, failures: 0 }
    : { successes: 0, failures: streak.failures + 1 };
}

export function verdict(streak: Streak, probe: V1Probe): 'success' | 'failure' | undefined {
  if (streak.successes >= (probe.successThreshold ?? 1)) return 'success';
  if (streak.failures >= (probe.failureThreshold ?? 3)) return 'failure';
  return undefined;
}

/** How long the state of an adopted container may stay open; then it is not ready. */
const SETTLE_LIMIT_MS = 2_000;

export class ContainerProbes {
  readonly #options: ProbesOptions;
  readonly #cancels = new Map<ProbeType, () => void>();
  #stopped = false;
  #started: boolean;
  #ready: boolean;
  #settled: boolean;
  #complaint: string | undefined;
  #cancelSettle = (): void => undefined;

  constructor(options: ProbesOptions) {
    this.#options = options;
    const { container, adoptedReady, clock } = options;
    this.#started = container.startupProbe === undefined || adoptedReady;
    this.#ready = this.#started && container.readinessProbe === undefined;
    this.#settled = !adoptedReady || this.#ready;
    if (!this.#settled)
      this.#cancelSettle = clock.schedule(SETTLE_LIMIT_MS, () => this.#settle(false));
    if (this.#started) this.#beginRegular();
    else if (container.startupProbe !== undefined) this.#begin('startup', container.startupProbe);
  }

  /** False while it is not known yet whether an adopted container is still ready. */
  get settled(): boolean {
    return this.#settled;
  }

  get started(): boolean {
    return this.#started;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** What the readiness probe said last, while it says no. */
  get complaint(): string | undefined {
    return this.#ready ? undefined : this.#complaint;
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelSettle();
    for (const cancel of this.#cancels.values()) cancel();
    this.#cancels.clear();
  }

  #beginRegular(): void {
    const { livenessProbe, readinessProbe } = this.#options.container;
    if (livenessProbe !== undefined) this.#begin('liveness', livenessProbe);
    if (readinessProbe !== undefined) this.#begin('readiness', readinessProbe);
  }

  #begin(type: ProbeType, probe: V1Probe): void {
    const { clock, startedAt } = this.#options;
    const due = startedAt + (probe.initialDelaySeconds ?? 0) * 1000;
    this.#schedule(type, probe, { successes: 0, failures: 0 }, Math.max(0, due - clock.now()));
  }

  #schedule(type: ProbeType, probe: V1Probe, streak: Streak, delayMs: number): void {
    if (this.#stopped) return;
    const cancel = this.#options.clock.schedule(
      delayMs,
      () => void this.#probe(type, probe, streak),
    );
    this.#cancels.set(type, cancel);
  }

  async #probe(type: ProbeType, probe: V1Probe, streak: Streak): Promise<void> {
    const { events, request } = this.#options;
    const unsupported = unsupportedProbe(probe);
    const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
    const outcome = unsupported ?? (await request(probe, timeoutMs));
    if (this.#stopped) return;
    events.counted(type, outcome.success ? 'successful' : 'failed');
    if (!outcome.success) events.failed(type, outcome.message);
    const next = nextStreak(streak, outcome.success);
    if (type === 'readiness' && !this.#settled) this.#settle(outcome.success);
    if (type !== 'liveness') this.#note(outcome, next.failures);
    const ended = this.#conclude(type, verdict(next, probe), outcome.message);
    if (!ended) this.#schedule(type, probe, next, (probe.periodSeconds ?? 10) * 1000);
  }

  /** @returns true when this probe has nothing left to ask */
  #conclude(type: ProbeType, result: 'success' | 'failure' | undefined, message: string): boolean {
    const { events } = this.#options;
    if (result === undefined) return false;
    if (type === 'readiness') {
      this.#setReady(result === 'success');
      return false;
    }
    if (result === 'failure') {
      events.unhealthy(type, message);
      return true;
    }
    if (type === 'liveness') return false;
    this.#started = true;
    this.#beginRegular();
    if (this.#options.container.readinessProbe === undefined) this.#ready = true;
    events.changed();
    return true;
  }

  /** Tells of another complaint at the beginning and now and then: a probe with ever new words must not fill the store. */
  #note({ success, message }: ProbeOutcome, failures: number): void {
    if (success) {
      this.#complaint = undefined;
      return;
    }
    if (message === this.#complaint || (failures > 3 && failures % 10 !== 0)) return;
    this.#complaint = message;
    if (!this.#ready) this.#options.events.changed();
  }

  #settle(ready: boolean): void {
    this.#cancelSettle();
    this.#settled = true;
    this.#ready = ready;
    this.#options.events.changed();
  }

  #setReady(ready: boolean): void {
    if (this.#ready === ready) return;
    this.#ready = ready;
    this.#options.events.changed();
  }
}
