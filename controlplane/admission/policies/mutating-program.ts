// What a MutatingAdmissionPolicy does to an object, compiled once; and one mutation of it, as upstream does it.
import type { Compiled } from '../../api/cel/composed-variables.ts';
import { ApiError } from '../../api/errors.ts';
import { atomicsIn } from '../../api/managed-fields/atomics.ts';
import { checkConfiguration } from '../../api/managed-fields/check-configuration.ts';
import { mergeConfiguration } from '../../api/managed-fields/merge.ts';
import type { KubernetesObject } from '../../api/object.ts';
import { applyJSONPatch } from '../../api/patch/json-patch.ts';
import { PatchTestError } from '../../api/patch/patch-error.ts';
import { copyJson } from '../../api/schema/json-value.ts';
import type { Schema } from '../../api/schema/schema.ts';
import type { ExpressionValues } from '../expression-values.ts';
import { PolicyExpressions } from './policy-expressions.ts';
import type { MutatingPolicy, Mutation } from './policy.ts';

/** A mutation that could not be made: what becomes of the request, the failurePolicy says. */
export class MutationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MutationError';
  }
}

export class MutatingProgram {
  readonly expressions: PolicyExpressions;
  readonly mutations: readonly (Mutation & { readonly compiled: Compiled })[];

  private constructor(expressions: PolicyExpressions, { mutations }: MutatingPolicy) {
    this.expressions = expressions;
    this.mutations = mutations.map((mutation) => ({
      ...mutation,
      compiled: expressions.compile(mutation.text, 'mutations'),
    }));
  }

  static async load(policy: MutatingPolicy): Promise<MutatingProgram> {
    return new MutatingProgram(await PolicyExpressions.load(policy), policy);
  }

  /**
   * @param index of the mutation
   * @param object stays as it is
   * @param schema of the object, in the version in which it is shown
   * @returns the object as the mutation wants it, not yet in the form of its kind
   * @throws MutationError
   */
  mutate(
    index: number,
    known: ExpressionValues,
    object: KubernetesObject,
    schema: () => Schema,
  ): KubernetesObject {
    const mutation = this.mutations[index];
    if (mutation === undefined) return object;
    const { text, compiled, type } = mutation;
    const outcome = this.expressions.run(known).evaluate(text, compiled);
    if ('error' in outcome) throw new MutationError(outcome.error);
    const { List, LiteralValue, jsonOf, misnamed, EvaluationError } = this.expressions.language;
    const { value } = outcome;
    try {
      if (type === 'JSONPatch') {
        const operations = value instanceof List ? value.items : [];
        const names = operations.flatMap((operation) => {
          const given = operation instanceof LiteralValue ? operation.fields.get('value') : null;
          return given instanceof LiteralValue ? misnamed(given, given.path) : [];
        });
        if (names.length > 0) throw new MutationError(`type mismatch: ${names.join('\n')}`);
        return patched(object, operations.map(jsonOf));
      }
      const names = misnamed(value, 'Object');
      if (names.length > 0) throw new MutationError(`type mismatch: ${names.join('\n')}`);
      return merged(object, jsonOf(value), schema());
    } catch (error) {
      throw error instanceof EvaluationError ? new MutationError(error.message) : error;
    }
  }
}

function patched(object: KubernetesObject, operations: readonly unknown[]): KubernetesObject {
  try {
    const result: unknown = applyJSONPatch(copyJson(object), operations);
    if (typeof result === 'object' && result !== null) return result as KubernetesObject;
    throw new MutationError('JSON Patch: it leaves no object behind');
  } catch (error) {
    if (error instanceof PatchTestError) return object;
    if (!(error instanceof ApiError)) throw error;
    const [cause] = error.details?.causes ?? [];
    throw new MutationError(`JSON Patch: ${cause?.message ?? error.message}`);
  }
}

function merged(object: KubernetesObject, fields: unknown, schema: Schema): KubernetesObject {
  const { apiVersion, kind } = object;
  const configuration = { ...(fields as object), apiVersion, kind };
  const errors = checkConfiguration(schema, configuration);
  if (errors.length > 0) {
    const list = errors.length === 1 ? errors[0] : `errors:\n  ${errors.join('\n  ')}`;
    throw new MutationError(
      `error applying patch: failed to convert patch object to typed object: ${list}`,
    );
  }
  const atomics = atomicsIn(schema, configuration);
  if (atomics.length > 0) {
    throw new MutationError(
      `error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomics.join(', ')}`,
    );
  }
  return copyJson(mergeConfiguration(schema, object, configuration)) as KubernetesObject;
}
