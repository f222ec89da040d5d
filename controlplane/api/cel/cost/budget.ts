// What the rules of a definition may cost together and each alone: more is refused when the definition is written, in upstream's words.
import type { FieldError } from '../../errors.ts';
import { forbiddenField } from '../../field-errors.ts';
import type { Schema } from '../../schema/schema.ts';
import { mostBelow, mostInRequest } from './schema-size.ts';

const EXPRESSION_LIMIT = 10_000_000;
const DEFINITION_LIMIT = 100_000_000;
/** Beyond that numbers tell nothing. */
const SHOWN_FACTOR = 100;
const MOST_SHOWN = 4;

/** How often a node of a schema can be there; undefined: nothing above bounds it. */
export type Cardinality = number | undefined;

export function cardinalityBelow(schema: Schema, own: Cardinality): Cardinality {
  const below = mostBelow(schema);
  return own === undefined || below === undefined ? undefined : own * below;
}

/** Of one schema of a definition. */
export class CostBudget {
  readonly #path: string;
  readonly #dear: { readonly path: string; readonly cost: number }[] = [];
  #total = 0;

  /** @param path `….openAPIV3Schema` */
  constructor(path: string) {
    this.#path = path;
  }

  /** What is wrong with an expression of the node `schema`. @param cost once */
  spend(
    what: 'rule' | 'messageExpression',
    path: string,
    cost: number,
    schema: Schema,
    cardinality: Cardinality,
  ): FieldError[] {
    // messageExpression is made for one failure.
    const all = what === 'rule' ? multiplied(cost, cardinality ?? mostInRequest(schema)) : cost;
    this.#total += all;
    if (all >= DEFINITION_LIMIT / 100) this.#dear.push({ path, cost: all });
    if (all <= EXPRESSION_LIMIT) return [];
    return [forbiddenField(path, exceeds(`estimated ${what} cost`, all, EXPRESSION_LIMIT))];
  }

  /** What is wrong with all together. */
  finish(): FieldError[] {
    if (this.#total <= DEFINITION_LIMIT) return [];
    const dearest = this.#dear.toSorted((a, b) => b.cost - a.cost).slice(0, MOST_SHOWN);
    const contributed =
      'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema';
    const what = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema';
    return [
      ...dearest.map(({ path }) => forbiddenField(path, contributed)),
      forbiddenField(this.#path, exceeds(what, this.#total, DEFINITION_LIMIT)),
    ];
  }
}

function multiplied(cost: number, cardinality: number): number {
  return cost === 0 || cardinality === 0 ? 0 : cost * cardinality;
}

function exceeds(what: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const shown =
    factor > SHOWN_FACTOR ? 'more than 100x' : `${factor.toFixed(factor < 1.5 ? 6 : 1)}x`;
  return `${what} exceeds budget by factor of ${shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}
