// What an estimate knows of a part of an expression: what it costs to make, and how large what comes out can be.
import type { ASTNode } from '@marcbachmann/cel-js';
import type { Schema } from '../../schema/schema.ts';
import { UNKNOWN, exactly } from './range.ts';
import type { Range } from './range.ts';
import { mostElements } from './schema-size.ts';

export interface Term {
  readonly cost: Range;
  /** `string`, `list`, `object`, `dyn` … */
  readonly kind: string;
  /** Of the items of a list. */
  readonly itemKind?: string;
  /** Known by itself: of a literal, or of what a function makes. */
  readonly size?: Range | undefined;
  /** What it is a part of self by; null for a part that the schema does not have, absent for what is no part. */
  readonly schema?: Schema | null | undefined;
  /** Of keys and values of what the expression makes. */
  readonly entries?: { readonly key: Range; readonly value: Range } | undefined;
  /** Where everything else fails. */
  readonly lastSize?: Range | undefined;
  /** Of a literal. */
  readonly whole?: number;
}

/** Variables of macros. */
export type Locals = ReadonlyMap<string, Term>;

/** Who estimates the parts of a macro. */
export interface Estimator {
  term(node: ASTNode, locals: Locals): Term;
  /** What a loop over `range` gives its variables: of a list items (and positions), of a map keys (and values). */
  loopVariables(range: Term, two: boolean): readonly Term[];
}

const SCALARS: ReadonlySet<string> = new Set([
  'bool',
  'int',
  'uint',
  'double',
  'duration',
  'timestamp',
]);

/** Undefined when nothing is known. */
export function knownSize({ size, schema, kind, lastSize }: Term): Range | undefined {
  if (size !== undefined) return size;
  if (schema !== undefined && schema !== null) return { min: 0, max: mostElements(schema) };
  return SCALARS.has(kind) ? exactly(1) : lastSize;
}

export function sizeOf(term: Term): Range {
  return knownSize(term) ?? UNKNOWN;
}

export function kindOfSchema(schema: Schema): string {
  switch (schema.type) {
    case 'boolean':
      return 'bool';
    case 'integer':
      return 'int';
    case 'number':
      return 'double';
    case 'array':
      return 'list';
    case 'object':
      return schema.properties === undefined && schema.additionalProperties !== undefined
        ? 'map'
        : 'object';
    case 'string':
      return kindOfText(schema.format);
    default:
      return 'dyn';
  }
}

function kindOfText(format: string | undefined): string {
  switch (format) {
    case 'byte':
      return 'bytes';
    case 'date':
    case 'date-time':
      return 'timestamp';
    case 'duration':
      return 'duration';
    default:
      return 'string';
  }
}
