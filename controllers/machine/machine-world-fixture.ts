// A machine's host as a table, that fails and dies when it is told to, for property tests. It keeps the promises of MachineWork and
// counts what must never be.
import { HostUnreachableError } from '../hosts/host-errors.ts';
import type { Slot } from '../rootfs/goal-state.ts';
import type { MachineWork } from './machine-work.ts';
import { GoalChangedError, StepError } from './machine-work.ts';
import type { MachineStatus } from './types.ts';

/** The controller is gone: nothing of it may catch this and go on. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

export interface Faults {
  /** In [0, 1). */
  readonly random: () => number;
  readonly crash: number;
  readonly unreachable: number;
  readonly badChecks: number;
  readonly failedDrains: number;
}

const FACTS = { hostname: 'h', machineId: 'm', clockOffsetMillis: 0, architecture: 'amd64' };

export class MachineWorld {
  goal: string;
  /** Goals whose machines never become good. */
  readonly broken = new Set<string>();
  readonly roots = new Map<Slot, { readonly goal: string; readonly isComplete: boolean }>();
  readonly running = new Set<Slot>();
  inUse: Slot | undefined;
  isCordoned = false;
  status: MachineStatus = {};
  saves = 0;
  faults: Faults | undefined;
  /** What was seen that must never be. */
  readonly violations: string[] = [];
  /** Events. */
  readonly told: string[] = [];
  now = 0;
  /** Once killed, the same life touches nothing any more. */
  isDead = false;

  constructor(goal: string) {
    this.goal = goal;
  }

  async save(status: MachineStatus): Promise<void> {
    this.#perhapsCrash();
    this.saves += 1;
    this.#judge(status);
    this.status = structuredClone(status);
    this.#perhapsCrash();
  }

  readonly work: MachineWork = {
    resolve: () =>
      this.#does(() => ({ goalHash: this.goal, contentHash: this.goal, facts: FACTS })),
    ensureInfrastructure: () => this.#does(() => 'there'),
    preflight: () =>
      this.#does(() => {
        const isBad = this.#happens('badChecks');
        return { status: isBad ? 'failed' : 'ok', checks: [], summary: isBad ? '1 error' : '1 ok' };
      }),
    stage: (slot, wanted) =>
      this.#does(() => {
        this.#require(wanted);
        return [{ artifact: 'x', path: '/x', digest: `${slot}${this.goal}` }];
      }),
    buildRoot: async (slot, wanted, report) => {
      this.#require(wanted);
      const { goal } = this;
      if (this.running.has(slot))
        this.violations.push(`root of the running slot ${slot} was touched`);
      if (slot === this.status.lastGood?.slot)
        this.violations.push(`root of the last good slot ${slot} was touched`);
      report({ name: 'EnsureNSpawnWorkspace', state: 'Running', startedAt: this.now });
      await this.#does(() => this.roots.set(slot, { goal, isComplete: false }));
      await this.#does(() => this.roots.set(slot, { goal, isComplete: true }));
      report({ name: 'EnsureNSpawnWorkspace', state: 'Done', startedAt: this.now, durationMs: 1 });
    },
    drain: async () => {
      await this.#does(() => (this.isCordoned = true));
      if (this.#happens('failedDrains')) throw new StepError('DrainTimeout', 'a budget says no');
      return this.#happens('failedDrains') ? { pending: '1 Pod left' } : 'done';
    },
    uncordon: () => this.#does(() => void (this.isCordoned = false)),
    stop: (slot) => this.#does(() => void this.running.delete(slot)),
    activate: (slot) => this.#does(() => void (this.inUse = slot)),
    start: (slot) =>
      this.#does(() => {
        if (this.roots.get(slot)?.isComplete !== true)
          this.violations.push(`slot ${slot} was started without a complete root`);
        this.running.add(slot);
        if (this.running.size > 1) this.violations.push('two slots run at once');
      }),
    verify: async (slot) => {
      const root = await this.#does(() => this.roots.get(slot));
      if (root !== undefined && !this.broken.has(root.goal)) return 'done';
      return { pending: 'the node is not Ready' };
    },
    clean: (failed) =>
      this.#does(() => {
        if (failed !== undefined) this.roots.delete(failed);
      }),
  };

  /** An effect that may not happen, or happen without anybody being told. */
  async #does<T>(effect: () => T): Promise<T> {
    this.#perhapsCrash();
    if (this.#happens('unreachable')) throw new HostUnreachableError('no route');
    const result = effect();
    this.#perhapsCrash();
    if (this.#happens('unreachable')) throw new HostUnreachableError('cut off');
    return result;
  }

  /** As a real one does: its spec may be the same, and what that names not. */
  #require(wanted: string): void {
    if (wanted !== this.goal) throw new GoalChangedError(`the goal became ${this.goal}`);
  }

  #happens(what: Exclude<keyof Faults, 'random'>): boolean {
    return this.faults !== undefined && this.faults.random() < this.faults[what];
  }

  #perhapsCrash(): void {
    if (this.isDead || this.#happens('crash')) {
      this.isDead = true;
      throw new Crash('killed');
    }
  }

  /** Invariant 6, at every write. */
  #judge(next: MachineStatus): void {
    if (this.status.lastGood !== undefined && next.lastGood === undefined)
      this.violations.push('the last good slot was forgotten');
    const { lastGood } = next;
    if (lastGood !== undefined && this.roots.get(lastGood.slot)?.goal !== lastGood.goalHash)
      this.violations.push(`the root of the last good slot ${lastGood.slot} is not there`);
    if (
      this.status.activeSlot !== undefined &&
      next.activeSlot === undefined &&
      lastGood !== undefined
    )
      this.violations.push('no slot is active any more');
  }
}
