// Who waits when many ask at once. Administrators and probes never do; nodes and our own controllers have seats of their own, so
// that users cannot starve them; everybody else shares the rest, fairly by user. Watches and other long answers give their seat back
// when they begin. The words are those of upstream's API priority and fairness, of which this is the part without configuration.
import type { Clock } from '#platform/clock.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';

import { tooManyRequests } from '../../api/errors.ts';
import { MASTERS } from '../../identity/union-authorizer.ts';
import type { RequestContext } from '../context.ts';

import type { FairQueue } from './fair-queue.ts';
import { Level } from './level.ts';

export const DEFAULT_SEATS = 600;
/** As upstream: a quarter of the time that the request has, and no more than this. */
const LONGEST_WAIT_MS = 15_000;
const SWEEP_INTERVAL_MS = 500;
const SYSTEM_GROUPS = ['system:nodes', 'system:serviceaccounts:kube-system'];
const PROBES = ['/readyz', '/livez', '/healthz'];

export interface FairnessOptions {
  readonly clock: Clock;
  readonly metrics: MetricsRegistry;
  /** Requests answered at once; 0: as many as come. */
  readonly seats: number;
  /** User of our controllers. */
  readonly controllersUser: string;
}

export class Fairness {
  readonly #clock: Clock;
  readonly #isOff: boolean;
  readonly #controllersUser: string;
  readonly #system: Level;
  readonly #others: Level;
  #isSweeping = false;

  constructor({ clock, metrics, seats, controllersUser }: FairnessOptions) {
    this.#clock = clock;
    this.#isOff = seats === 0;
    this.#controllersUser = controllersUser;
    const ofSystem = Math.max(1, Math.floor(seats / 3));
    this.#system = new Level('system', ofSystem);
    this.#others = new Level('global-default', Math.max(1, seats - ofSystem));
    this.#show(metrics);
  }

  /**
   * Undefined: go on at once. Else resolves when it is the request's turn.
   *
   * @throws (and rejects with) ApiError TooManyRequests when the line is full, or there was no seat in time
   */
  enter(context: RequestContext): Promise<void> | undefined {
    const level = this.#levelOf(context);
    if (level === undefined) return undefined;
    const flow = level.queue.enter(context.user.name);
    if (flow === undefined) return this.#wait(level, context);
    level.counts.dispatched += 1;
    context.turn = { level, flow, place: undefined };
    return undefined;
  }

  /** The request is answered, has become a long one, or is no more. A second time has no effect. */
  leave(context: RequestContext): void {
    const { turn } = context;
    if (turn === undefined) return;
    context.turn = undefined;
    if (turn.flow !== undefined) turn.level.queue.leave(turn.flow);
    if (turn.place !== undefined) turn.level.queue.abandon(turn.place);
  }

  #levelOf({ user, info }: RequestContext): Level | undefined {
    if (this.#isOff || user.groups.includes(MASTERS)) return undefined;
    if (user.name === this.#controllersUser) return this.#system;
    if (user.groups.some((group) => SYSTEM_GROUPS.includes(group))) return this.#system;
    if (info.isResourceRequest) return this.#others;
    return PROBES.some((path) => info.path === path || info.path.startsWith(`${path}/`))
      ? undefined
      : this.#others;
  }

  #wait(level: Level, context: RequestContext): Promise<void> {
    return new Promise((resolve, reject) => {
      const refuse = (reason: 'queue-full' | 'time-out'): void => {
        level.counts[reason] += 1;
        context.turn = undefined;
        reject(tooManyRequests('too many requests, please try again later', [], 1));
      };
      const waitMs = Math.min(context.timeoutMs / 4, LONGEST_WAIT_MS);
      const place = level.queue.wait(context.user.name, {
        endsAt: this.#clock.monotonic() + waitMs,
        seated: () => {
          level.counts.dispatched += 1;
          context.turn = { level, flow: place?.flow, place: undefined };
          resolve();
        },
        expired: () => refuse('time-out'),
      });
      if (place === undefined) return refuse('queue-full');
      context.turn = { level, flow: undefined, place };
      this.#sweepLater();
    });
  }

  /** As long as somebody waits, which no longer than the requests themselves. */
  #sweepLater(): void {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    this.#clock.schedule(SWEEP_INTERVAL_MS, () => {
      this.#isSweeping = false;
      const now = this.#clock.monotonic();
      for (const { queue } of [this.#system, this.#others]) {
        queue.expire(now);
        if (queue.waiting > 0) this.#sweepLater();
      }
    });
  }

  #show(metrics: MetricsRegistry): void {
    const levels = [this.#system, this.#others];
    const gauge = (name: string, help: string, valueOf: (queue: FairQueue) => number): void => {
      metrics.gauge({
        name: `apiserver_flowcontrol_${name}`,
        help,
        labelNames: ['priority_level'],
        collect: (shown) => {
          for (const { name: level, queue } of levels)
            shown.set({ priority_level: level }, valueOf(queue));
        },
      });
    };
    gauge(
      'current_executing_requests',
      '[BETA] Number of requests in initial (for a WATCH) or any (for a non-WATCH) execution stage in the API Priority and Fairness subsystem',
      (queue) => queue.seated,
    );
    gauge(
      'current_inqueue_requests',
      '[BETA] Number of requests currently pending in queues of the API Priority and Fairness subsystem',
      (queue) => queue.waiting,
    );
    gauge(
      'nominal_limit_seats',
      '[BETA] Nominal number of execution seats configured for each priority level',
      (queue) => (this.#isOff ? 0 : queue.limits.seats),
    );
    metrics.counter({
      name: 'apiserver_flowcontrol_dispatched_requests_total',
      help: '[BETA] Number of requests executed by API Priority and Fairness subsystem',
      labelNames: ['priority_level'],
      collect: (counter) => {
        for (const { name, counts } of levels) {
          counter.inc({ priority_level: name }, counts.dispatched);
          counts.dispatched = 0;
        }
      },
    });
    metrics.counter({
      name: 'apiserver_flowcontrol_rejected_requests_total',
      help: '[BETA] Number of requests rejected by API Priority and Fairness subsystem',
      labelNames: ['priority_level', 'reason'],
      collect: (counter) => {
        for (const { name, counts } of levels) {
          for (const reason of ['queue-full', 'time-out'] as const) {
            counter.inc({ priority_level: name, reason }, counts[reason]);
            counts[reason] = 0;
          }
        }
      },
    });
  }
}
