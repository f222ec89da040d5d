// The search of Wing and Gong with Lowe's memory: is there one order of the operations on one object that fits both the clock and the
// model? Operations of unknown outcome may be anywhere after their beginning, or nowhere.
import type { Operation } from './history.ts';
import { step } from './register.ts';
import type { Register } from './register.ts';

export type Verdict =
  | { readonly verdict: 'linearizable' }
  /** `longest` is as far as any order came; one of `stuck` should have been next. */
  | {
      readonly verdict: 'violation';
      readonly longest: readonly Operation[];
      readonly stuck: readonly Operation[];
    }
  | { readonly verdict: 'too hard' };

interface Frame {
  readonly state: Register;
  /** Operations that could be next, by index. */
  readonly candidates: readonly number[];
  next: number;
}

const MAXIMUM_STEPS = 2_000_000;

/** @param operations on one object, in any order */
export function linearize(operations: readonly Operation[]): Verdict {
  const sorted = operations.toSorted((a, b) => a.begin - b.begin);
  const done = new Uint8Array(sorted.length);
  const seen = new Set<string>();
  const order: number[] = [];
  const stack: Frame[] = [{ state: undefined, candidates: candidatesOf(sorted, done), next: 0 }];
  let needed = sorted.filter(({ end }) => end !== Infinity).length;
  let longest: number[] = [];
  let stuck: readonly number[] = stack[0]?.candidates ?? [];
  for (let steps = 0; steps < MAXIMUM_STEPS; steps += 1) {
    if (needed === 0) return { verdict: 'linearizable' };
    const frame = stack.at(-1);
    if (frame === undefined) {
      const operationsOf = (indexes: readonly number[]): Operation[] =>
        indexes.map((index) => sorted[index] as Operation);
      return {
        verdict: 'violation',
        longest: operationsOf(longest),
        stuck: operationsOf(stuck),
      };
    }
    const index = frame.candidates[frame.next++];
    if (index === undefined) {
      stack.pop();
      const undone = order.pop();
      if (undone === undefined) continue;
      done[undone] = 0;
      if (sorted[undone]?.end !== Infinity) needed += 1;
      continue;
    }
    const operation = sorted[index] as Operation;
    const state = step(frame.state, operation);
    if (state === 'impossible') continue;
    done[index] = 1;
    const memory = `${Buffer.from(done).toString('latin1')}${state?.value ?? ''}@${state?.revision ?? ''}`;
    if (seen.has(memory)) {
      done[index] = 0;
      continue;
    }
    seen.add(memory);
    order.push(index);
    if (operation.end !== Infinity) needed -= 1;
    const candidates = candidatesOf(sorted, done);
    stack.push({ state, candidates, next: 0 });
    if (order.length > longest.length) {
      longest = [...order];
      stuck = candidates;
    }
  }
  return { verdict: 'too hard' };
}

/** What is not in the order yet and began before any other such operation ended. */
function candidatesOf(sorted: readonly Operation[], done: Uint8Array): readonly number[] {
  let firstEnd = Infinity;
  const candidates: number[] = [];
  for (const [index, { begin, end }] of sorted.entries()) {
    if (begin > firstEnd) break;
    if (done[index] === 1) continue;
    candidates.push(index);
    firstEnd = Math.min(firstEnd, end);
  }
  return candidates.filter((index) => (sorted[index]?.begin ?? Infinity) <= firstEnd);
}
