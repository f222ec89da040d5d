// Rules of custom resources (`x-kubernetes-validations`): checked when a definition is written, evaluated when an object
// is. Imports the expression language, so it is loaded only where there are rules: see load.ts.
//
// What a rule may do is estimated before it ever runs, from the maxLength and maxItems of its schema (cost/), and bounded while it
// runs, per rule and per object. Of ratcheting there is the main case: a rule that says nothing about the old value is not asked
// again about a value that an update left as it was.
import type { FieldError } from '../errors.ts';
import { duplicateField, forbiddenField, invalidField, requiredField } from '../field-errors.ts';
import { canonicalJson, entryOf, equalJson, fieldOf, isJsonObject } from '../schema/json-value.ts';
import type { JsonObject } from '../schema/json-value.ts';
import type { Schema } from '../schema/schema.ts';
import { toValue } from './convert.ts';
import { CostBudget, cardinalityBelow } from './cost/budget.ts';
import type { Cardinality } from './cost/budget.ts';
import { CostExceededError, EvaluationError, Meter } from './meter.ts';
import { hasRules } from './has-rules.ts';
import { compileRule, rulesOf } from './rules.ts';
import type { Rule } from './rules.ts';
import type { RuleReason } from './rule-source.ts';
import { Optional } from './values.ts';
import type { Value } from './values.ts';

/** Units of meter.ts; the numbers are upstream's, and about as much work. */
const RULE_LIMIT = 1_000_000;
const OBJECT_LIMIT = 10_000_000;
const MAXIMUM_MESSAGE = 5120;

/** Everything that is wrong with the rules in `schema`. @param path of it: `….openAPIV3Schema` */
export function checkRules(schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const budget = new CostBudget(path);
  checkNode(schema, path, { uncorrelated: undefined, cardinality: 1 }, { errors, budget });
  return [...errors, ...budget.finish()];
}

/** What is above a node. */
interface Place {
  /** Path of the list whose items have no identity, where there is one. */
  readonly uncorrelated: string | undefined;
  readonly cardinality: Cardinality;
}

function checkNode(
  schema: Schema,
  path: string,
  { uncorrelated, cardinality }: Place,
  found: { readonly errors: FieldError[]; readonly budget: CostBudget },
): void {
  if (!hasRules(schema)) return;
  const { errors, budget } = found;
  for (const [at, entry] of (schema.validations ?? []).entries()) {
    const where = `${path}.x-kubernetes-validations[${at}]`;
    const rule = compileRule(entry, schema, where);
    if (!('run' in rule)) {
      errors.push(...rule);
      continue;
    }
    errors.push(...budget.spend('rule', `${where}.rule`, rule.worst.rule, schema, cardinality));
    if (rule.message !== undefined) {
      const at = `${where}.messageExpression`;
      errors.push(
        ...budget.spend('messageExpression', at, rule.worst.message, schema, cardinality),
      );
    }
    if (rule.isTransition && uncorrelated !== undefined) {
      const detail = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelated}`;
      errors.push(invalidField(`${where}.rule`, rule.source.rule, detail));
    }
  }
  const below = { uncorrelated, cardinality: cardinalityBelow(schema, cardinality) };
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    checkNode(property.schema, `${path}.properties[${name}]`, below, found);
  }
  if (schema.additionalProperties !== undefined) {
    checkNode(schema.additionalProperties, `${path}.additionalProperties`, below, found);
  }
  if (schema.items !== undefined) {
    const lost = uncorrelated ?? (schema.listType === 'map' ? undefined : path);
    checkNode(schema.items, `${path}.items`, { ...below, uncorrelated: lost }, found);
  }
}

/**
 * All rules that `value` breaks. Expects a value that fits its schema.
 * @param old what the object was before; undefined when it is new
 */
export function evaluateRules(schema: Schema, value: unknown, old: unknown): FieldError[] {
  const run = new Run();
  run.visit(schema, value, old, '', false);
  return run.errors;
}

class Run {
  readonly errors: FieldError[] = [];
  #left = OBJECT_LIMIT;
  #stopped = false;

  /** @param kept whether the update left a value above this one as it was */
  visit(schema: Schema, value: unknown, old: unknown, path: string, kept: boolean): void {
    if (this.#stopped || value === null || value === undefined || !hasRules(schema)) return;
    const all = rulesOf(schema);
    const same = kept || (all.length > 0 && old !== undefined && equalJson(value, old));
    const rules = same ? all.filter(({ isTransition }) => isTransition) : all;
    if (rules.length > 0) this.#apply(rules, schema, value, old, path);
    if (Array.isArray(value)) this.#visitItems(schema, value as unknown[], old, path, same);
    else if (isJsonObject(value)) this.#visitFields(schema, value, old, path, same);
  }

  #visitFields(schema: Schema, value: JsonObject, old: unknown, path: string, kept: boolean): void {
    const before = isJsonObject(old) ? old : {};
    for (const key of Object.keys(value)) {
      const known = entryOf(schema.properties, key)?.schema;
      const child = known ?? schema.additionalProperties;
      if (child === undefined || !hasRules(child)) continue;
      const name = path === '' ? key : `${path}.${key}`;
      const where = known === undefined ? `${path}[${key}]` : name;
      this.visit(child, fieldOf(value, key), fieldOf(before, key), where, kept);
    }
  }

  #visitItems(
    schema: Schema,
    list: readonly unknown[],
    old: unknown,
    path: string,
    kept: boolean,
  ): void {
    const { items } = schema;
    if (items === undefined || !hasRules(items)) return;
    const keys = schema.listType === 'map' ? (schema.listMapKeys ?? []) : undefined;
    const before = new Map<string, unknown>();
    if (keys !== undefined && Array.isArray(old)) {
      for (const item of old as unknown[]) before.set(identityOf(item, keys), item);
    }
    for (const [at, item] of list.entries()) {
      const match = keys === undefined ? undefined : before.get(identityOf(item, keys));
      this.visit(items, item, match, `${path}[${at}]`, kept);
    }
  }

  #apply(rules: readonly Rule[], schema: Schema, value: unknown, old: unknown, path: string): void {
    const self = toValue(schema, value);
    const hasOld = old !== undefined && old !== null;
    for (const rule of rules) {
      const isOptional = rule.source.optionalOldSelf === true;
      if (this.#stopped) return;
      if (rule.isTransition && !hasOld && !isOptional) continue;
      let oldSelf: Value = null;
      if (rule.isTransition) {
        const before = hasOld ? toValue(schema, old) : undefined;
        oldSelf = isOptional ? new Optional(before) : (before ?? null);
      }
      this.#evaluate(rule, schema, self, oldSelf, path);
    }
  }

  #evaluate(rule: Rule, schema: Schema, self: Value, oldSelf: Value, path: string): void {
    const at = path === '' ? '<nil>' : path;
    const shownType = schema.type === 'any' || schema.type === 'intOrString' ? '' : schema.type;
    const limit = Math.min(RULE_LIMIT, this.#left);
    const meter = new Meter(limit);
    const text = rule.source.message ?? rule.source.rule.trim();
    try {
      if (rule.run(meter, self, oldSelf) === true) return;
      const field = `${path}${rule.field}`.replace(/^\./, '');
      const message = messageOf(rule, meter, self, oldSelf);
      const where = field === '' ? '<nil>' : field;
      this.errors.push(failure(rule.source.reason, where, shownType, message));
    } catch (error) {
      this.errors.push(invalidField(at, shownType, this.#problem(error, text)));
    } finally {
      this.#left -= limit - Math.max(meter.left, 0);
    }
  }

  /** Why a rule could not be evaluated. @throws what is none of the expression's doing */
  #problem(error: unknown, rule: string): string {
    if (error instanceof CostExceededError) {
      this.#stopped = true;
      return this.#left < RULE_LIMIT
        ? 'validation failed due to running out of cost budget, no further validation rules will be run'
        : `'${error.message}': call cost exceeds limit for rule: ${rule}`;
    }
    if (!(error instanceof EvaluationError)) throw error;
    if (error.message.startsWith('no such overload')) {
      return `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${rule}`;
    }
    return `${error.message} evaluating rule: ${rule}`;
  }
}

function identityOf(item: unknown, keys: readonly string[]): string {
  return canonicalJson(keys.map((key) => (isJsonObject(item) ? fieldOf(item, key) : undefined)));
}

/** What messageExpression gives, where it gives one line of text; else message; else the rule. */
function messageOf({ source, message }: Rule, meter: Meter, self: Value, oldSelf: Value): string {
  const fallback = source.message ?? `failed rule: ${source.rule.trim()}`;
  if (message === undefined) return fallback;
  try {
    const text = message(meter, self, oldSelf);
    if (typeof text !== 'string' || text.trim() === '' || /[\r\n]/.test(text)) return fallback;
    return text.length > MAXIMUM_MESSAGE ? fallback : text.trim();
  } catch (error) {
    if (error instanceof EvaluationError || error instanceof CostExceededError) return fallback;
    throw error;
  }
}

function failure(reason: RuleReason, field: string, type: string, message: string): FieldError {
  switch (reason) {
    case 'FieldValueForbidden':
      return forbiddenField(field, message);
    case 'FieldValueRequired':
      return requiredField(field, message);
    case 'FieldValueDuplicate':
      return duplicateField(field, type);
    case 'FieldValueInvalid':
      return invalidField(field, type, message);
  }
}
