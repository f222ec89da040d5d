// Who waits for which revision, and when the wait is over: the ack policy over what the instances hold now.
import { StorageUnreachableError } from '../errors.ts';
import { ackVerdict } from './ack-policy.ts';
import type { AckRules } from './ack-policy.ts';

/** An instance that counts. */
export interface Member {
  readonly name: string;
  readonly isPrimary: boolean;
  readonly revision: number;
  readonly isLost: boolean;
}

interface Waiter {
  readonly revision: number;
  resolve(): void;
  reject(error: Error): void;
}

export class Acknowledgements {
  readonly #rules: AckRules;
  readonly #members: () => readonly Member[];
  /** Called with why writes wait, and with undefined when they go on. */
  readonly #blocked: (reason: Error | undefined) => void;
  #waiters: Waiter[] = [];
  #reason: Error | undefined;
  #end: Error | undefined;

  constructor(
    rules: AckRules,
    members: () => readonly Member[],
    blocked: (reason: Error | undefined) => void,
  ) {
    this.#rules = rules;
    this.#members = members;
    this.#blocked = blocked;
  }

  /** Why a write that began now could not be acknowledged; undefined when it could. */
  get refusal(): Error | undefined {
    if (this.#rules.ack === 'primary') return undefined;
    return this.#verdict(Number.POSITIVE_INFINITY) === 'Blocked' ? this.#lossError() : undefined;
  }

  /** Resolves when the policy is met for a revision that the primary has. */
  reached(revision: number): Promise<void> {
    if (this.#rules.ack === 'primary') return Promise.resolve();
    if (this.#end !== undefined) return Promise.reject(this.#end);
    if (this.#waiters.length === 0 && this.#verdict(revision) === 'Met') return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ revision, resolve, reject });
      this.check();
    });
  }

  /** To be called when an instance has more than before, or its chances have changed. */
  check(): void {
    let isBlocked = false;
    while (this.#waiters[0] !== undefined) {
      const verdict = this.#verdict(this.#waiters[0].revision);
      isBlocked = verdict === 'Blocked';
      if (verdict !== 'Met') break;
      this.#waiters.shift()?.resolve();
    }
    if (isBlocked === (this.#reason !== undefined)) return;
    this.#reason = isBlocked ? this.#lossError() : undefined;
    this.#blocked(this.#reason);
  }

  /** Nothing will be acknowledged any more. */
  end(reason: Error): void {
    this.#end ??= reason;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(reason);
  }

  #verdict(revision: number) {
    return ackVerdict(
      this.#rules,
      this.#members().map(({ isPrimary, isLost, revision: reached }) => ({
        isPrimary,
        isLost,
        // The primary's own answer came before anybody asks here.
        has: isPrimary || reached >= revision,
      })),
    );
  }

  #lossError(): Error {
    const lost = this.#members().filter(({ isLost }) => isLost);
    return new StorageUnreachableError(
      `Cannot acknowledge writes: --ack ${this.#rules.ack} needs more persistence instances than keep up (not: ${lost.map(({ name }) => name).join(', ')}); bring them back, or start with --on-sync-loss degrade`,
    );
  }
}
