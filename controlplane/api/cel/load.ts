// The door to the rules of custom resources. The expression language is a library of its own that most of the server never
// needs: it is imported when the first definition or object with rules is written, not when the server starts.
import type { FieldError } from '../errors.ts';
import type { Schema } from '../schema/schema.ts';
import type * as engineModule from './engine.ts';
import type * as expressionsModule from './expressions.ts';
import { hasRules } from './has-rules.ts';

const KEYWORD = 'x-kubernetes-validations';

type Engine = typeof engineModule;

let engine: Engine | undefined;

type Expressions = typeof expressionsModule;

let expressions: Expressions | undefined;

/** For expressions that are no rules of schemas: conditions and policies of admission. */
export async function loadExpressions(): Promise<Expressions> {
  expressions ??= await import('./expressions.ts');
  return expressions;
}

/** What loadExpressions() loaded. @throws Error when nobody did */
export function loadedExpressions(): Expressions {
  if (expressions === undefined) throw new Error('loadExpressions() must be called before');
  return expressions;
}

/** Whether a document (a CustomResourceDefinition) speaks of rules anywhere. */
export function mentionsRules(document: unknown): boolean {
  if (typeof document !== 'object' || document === null) return false;
  return Object.hasOwn(document, KEYWORD) || Object.values(document).some(mentionsRules);
}

export function rulesLoaded(): boolean {
  return engine !== undefined;
}

/** Must have been called before the two below. */
export async function loadRules(): Promise<void> {
  engine ??= await import('./engine.ts');
}

function loaded(): Engine {
  if (engine === undefined) throw new Error('loadRules() must be called before rules are used');
  return engine;
}

/** Everything that is wrong with the rules of a definition. @param path `….schema.openAPIV3Schema` */
export function checkRules(schema: Schema, path: string): readonly FieldError[] {
  return hasRules(schema) ? loaded().checkRules(schema, path) : [];
}

/** The rules that `value` breaks; `old` is undefined when it is new. Expects a value that fits its schema. */
export function evaluateRules(schema: Schema, value: unknown, old: unknown): readonly FieldError[] {
  return hasRules(schema) ? loaded().evaluateRules(schema, value, old) : [];
}
