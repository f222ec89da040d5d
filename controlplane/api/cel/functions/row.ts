// One function of the expression language: its signature, as the type checker reads it, and what it does.
import type { Meter } from '../meter.ts';
import type { Value } from '../values.ts';

export type Implementation = (meter: Meter, ...args: readonly Value[]) => Value;

export interface FunctionRow {
  /** `string.charAt(int): string`; the receiver of a method is its first argument. Single capitals are type variables. */
  readonly signature: string;
  readonly run: Implementation;
}

/** The kinds of the arguments are checked against the signature before `run` is called. */
export function row(
  signature: string,
  run: (meter: Meter, ...args: never[]) => Value,
): FunctionRow {
  return { signature, run: run as unknown as Implementation };
}
