// What a running expression has: its meter and its variables. Shared by the evaluator and the comprehensions.
import type { ASTNode } from '@marcbachmann/cel-js';
import { EvaluationError } from './meter.ts';
import type { Meter } from './meter.ts';
import { typeOf } from './values.ts';
import type { Value } from './values.ts';

export interface Frame {
  readonly meter: Meter;
  readonly slots: Value[];
}

export type Step = (frame: Frame) => Value;

/** Where variables are: by name while compiling, by number while running. */
export class Scope {
  readonly #names: ReadonlyMap<string, number>;
  readonly #counter: { next: number };

  constructor(names: ReadonlyMap<string, number>, counter: { next: number }) {
    this.#names = names;
    this.#counter = counter;
  }

  slotOf(name: string): number | undefined {
    return this.#names.get(name);
  }

  /** A scope with one more variable, and its slot. */
  with(name: string): { readonly scope: Scope; readonly slot: number } {
    const slot = this.#counter.next;
    this.#counter.next += 1;
    return { scope: new Scope(new Map([...this.#names, [name, slot]]), this.#counter), slot };
  }
}

export type Compile = (node: ASTNode, scope: Scope) => Step;

export function truth(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  throw new EvaluationError(`no such overload: bool expected, found ${typeOf(value)}`);
}
