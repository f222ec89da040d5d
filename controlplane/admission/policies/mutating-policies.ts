// MutatingAdmissionPolicies at a write: who matches it changes the object, one binding and parameter after the other, each seeing what
// those before it made. Who could not is told in one answer at the end.
import { ApiError, forbidden } from '../../api/errors.ts';
import type { KubernetesObject } from '../../api/object.ts';
import { builtinSchema } from '../../api/schema/corpus.ts';
import { conformObject } from '../../api/schema/decode.ts';
import { copyJson, equalJson } from '../../api/schema/json-value.ts';
import type { Schema } from '../../api/schema/schema.ts';
import type { AdmissionRequest } from '../../registry/admission.ts';
import { convertsWith } from '../equivalent-version.ts';
import { expressionValues, jsonValues } from '../expression-values.ts';
import type { ExpressionValues, ShownObjects } from '../expression-values.ts';
import { admissionFailure } from '../refusals.ts';
import { Reinvocation } from '../reinvocation.ts';
import type { Round } from '../reinvocation.ts';
import { shownTo } from '../webhook-call.ts';
import type { MutatingProgram } from './mutating-program.ts';
import { MutationError } from './mutating-program.ts';
import type { MutatingPolicy, PolicyBinding } from './policy.ts';
import type { BoundPolicy } from './policy-index.ts';
import { chosenBindings, namespaceOf } from './policy-match.ts';
import type { PolicyInvocation, PolicyParts } from './policy-match.ts';
import { paramsOf } from './policy-params.ts';

export type MutatingInvocation = PolicyInvocation<BoundPolicy<MutatingPolicy, MutatingProgram>>;

/** One policy as one binding with one parameter asks for it. */
interface Turn extends MutatingInvocation {
  readonly binding: PolicyBinding;
  readonly param: KubernetesObject | undefined;
}

interface Failure {
  readonly message: string;
  readonly reason: string;
}

/** Those of one request. */
export class MutatingPolicies {
  readonly #parts: PolicyParts;
  readonly #invocations: readonly MutatingInvocation[];
  readonly #reinvocation = new Reinvocation();

  constructor(parts: PolicyParts, invocations: readonly MutatingInvocation[]) {
    this.#parts = parts;
    this.#invocations = invocations;
  }

  /** After the first round: whether everything that mutates is to be asked again. */
  get isChanged(): boolean {
    return this.#reinvocation.isChanged;
  }

  /**
   * @returns the object as the policies want it; the request's own when nobody changed anything
   * @throws ApiError when one cannot be evaluated and fails closed
   */
  async admit(request: AdmissionRequest, round: Round): Promise<KubernetesObject | undefined> {
    if (this.#invocations.length === 0 || request.object === undefined) return request.object;
    const reinvocation = this.#reinvocation;
    const failures: Failure[] = [];
    const turns = this.#turns(request, failures);
    reinvocation.begin(round, request.object);
    let { object } = request;
    let isPatched = false;
    for (const turn of turns) {
      const made = await this.#take(turn, { ...request, object }, round, failures);
      if (made === undefined) continue;
      isPatched ||= made.isPatched;
      if (!equalJson(made.object, object)) {
        object = made.object;
        reinvocation.changed();
      }
      reinvocation.asked(keyOf(turn), turn.bound.policy.reinvokes);
    }
    // A patch counts as a change here even where the object stays the same.
    if (isPatched) reinvocation.changed();
    reinvocation.end(object);
    const [first] = failures;
    if (first !== undefined) throw refusal(request, first, failures);
    return object;
  }

  /** Everybody who matches the request as it came; what they make of it changes nothing in that. */
  #turns(request: AdmissionRequest, failures: Failure[]): readonly Turn[] {
    const { scheme, store } = this.#parts;
    return this.#invocations.flatMap((invocation) => {
      const { policy } = invocation.bound;
      return chosenBindings(invocation.bound, this.#parts, request).flatMap((binding): Turn[] => {
        const params = paramsOf(scheme, store, policy.paramKind, binding, request.namespace);
        if (!('problem' in params)) {
          return params.objects.map((param) => ({ ...invocation, binding, param }));
        }
        const why = `failed to configure binding: ${params.problem}`;
        fail(failures, policy, binding, why, 'Forbidden');
        return [];
      });
    });
  }

  /** @returns undefined when it was not its turn */
  async #take(
    turn: Turn,
    request: AdmissionRequest,
    round: Round,
    failures: Failure[],
  ): Promise<{ readonly object: KubernetesObject; readonly isPatched: boolean } | undefined> {
    const { bound, binding } = turn;
    const { policy } = bound;
    const { clock, metrics, policyMetrics } = this.#parts;
    const program = await bound.program();
    const conditions = await bound.conditions();
    const answer = await conditions.answer(async () => {
      const shown = await shownTo(this.#parts, turn, request);
      return program.expressions.run(await this.#values(turn, request, shown)).values;
    });
    if (answer === 'excluded') {
      metrics.excluded(policy.name, 'policy', 'validate', request.operation);
      return undefined;
    }
    if (answer !== 'matches') {
      fail(failures, policy, binding, answer.failure);
      return undefined;
    }
    if (!this.#reinvocation.isDue(round, keyOf(turn))) return undefined;
    let { object } = request;
    let isPatched = false;
    for (const index of program.mutations.keys()) {
      const startedAt = clock.monotonic();
      const done = (error: string): void => {
        const seconds = (clock.monotonic() - startedAt) / 1_000;
        policyMetrics.mutated({ policy: policy.name, binding: binding.name, error, seconds });
      };
      try {
        object = await this.#mutate(turn, program, index, { ...request, object });
        isPatched = true;
        done('no_error');
      } catch (error) {
        done(errorType(error));
        if (!(error instanceof MutationError)) throw error;
        fail(failures, policy, binding, error.message);
      }
    }
    return object === undefined ? undefined : { object, isPatched };
  }

  async #mutate(
    turn: Turn,
    program: MutatingProgram,
    index: number,
    request: AdmissionRequest,
  ): Promise<KubernetesObject | undefined> {
    const shown = await shownTo(this.#parts, turn, request);
    if (shown.object === undefined) return undefined;
    const known = await this.#values(turn, request, shown);
    const made = program.mutate(index, known, shown.object, () => schemaOf(request, shown));
    if (made === shown.object) return request.object;
    const { type } = program.mutations[index] ?? {};
    if (type === 'JSONPatch' && !request.definition.custom) refuseUnknown(request, shown, made);
    try {
      const own = shown.isConverted
        ? await this.#parts.conversions.between(made, shown.as, request.definition)
        : made;
      request.refine(own);
      return own;
    } catch (error) {
      if (!(error instanceof ApiError) || error.reason === 'InternalError') throw error;
      throw admissionFailure(error.message, error);
    }
  }

  async #values(
    { param }: Turn,
    request: AdmissionRequest,
    shown: ShownObjects,
  ): Promise<ExpressionValues> {
    return {
      ...(await expressionValues(request, shown, this.#parts.authorizer)),
      ...(await jsonValues({ namespaceObject: namespaceOf(this.#parts, request), params: param })),
    };
  }
}

/** What a subresource shows may be of a kind of its own, as Scale is. */
function schemaOf(request: AdmissionRequest, { as }: ShownObjects): Schema {
  if (convertsWith(request)) return as.schema;
  const { group, version, kind } = request.kind;
  const schema = builtinSchema(group, version, kind);
  if (schema === undefined) throw new MutationError(`error applying patch: no schema of ${kind}`);
  return schema;
}

/** @throws ApiError 500 for a field that the kind does not have */
function refuseUnknown(
  request: AdmissionRequest,
  shown: ShownObjects,
  object: KubernetesObject,
): void {
  const copy = copyJson(object) as KubernetesObject;
  const problems = conformObject(copy, schemaOf(request, shown));
  if (problems.length > 0) throw admissionFailure(`strict decoding error: ${problems.join(', ')}`);
}

function keyOf({ bound, binding, param }: Turn): string {
  const { namespace = '', name = '' } = param?.metadata ?? {};
  return [bound.policy.name, binding.name, namespace, name].join('/');
}

function errorType(error: unknown): string {
  const { message } = error as Error;
  if (message.startsWith('compilation')) return 'compile_error';
  return message.startsWith('validation failed due to running out of cost budget')
    ? 'out_of_budget'
    : 'invalid_error';
}

/** Notes what went wrong, where the policy does not pass over it. */
function fail(
  failures: Failure[],
  policy: MutatingPolicy,
  binding: PolicyBinding,
  why: string,
  reason = 'Invalid',
): void {
  if (policy.failsOpen) return;
  const message = `policy '${policy.name}' with binding '${binding.name}' denied request: ${why}`;
  failures.push({ message, reason });
}

function refusal(
  { definition, name }: AdmissionRequest,
  { message, reason }: Failure,
  failures: readonly Failure[],
): ApiError {
  const { details } = forbidden(definition, name, message);
  const causes = failures.map((failure) => ({ message: failure.message }));
  return new ApiError(403, reason, message, { details: { ...details, causes } });
}
