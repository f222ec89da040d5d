// What expressions see of a request.
import type { Value } from '../api/cel/expressions.ts';
import { loadExpressions } from '../api/cel/load.ts';
import type { KubernetesObject } from '../api/object.ts';
import type { ResourceDefinition } from '../api/resource.ts';
import type { Authorizer } from '../identity/authorizer.ts';
import type { AdmissionRequest } from '../registry/admission.ts';
import { requestFields } from './admission-review.ts';

export type ExpressionValues = Readonly<Record<string, Value>>;

/** The object as it is shown, in the version `as`. */
export interface ShownObjects {
  readonly as: ResourceDefinition;
  readonly isConverted: boolean;
  readonly object: KubernetesObject | undefined;
  readonly old: KubernetesObject | undefined;
}

export async function expressionValues(
  request: AdmissionRequest,
  { as, isConverted, object, old }: ShownObjects,
  authorizer: Authorizer,
): Promise<ExpressionValues> {
  const language = await loadExpressions();
  const { namespace, name, subresource, definition, context } = request;
  const { group, resource } = definition;
  const own = new language.AuthorizerValue(
    (user, question) => {
      const isResourceRequest = question.path === '';
      return authorizer.authorize({ ...question, user, isResourceRequest, version: '*' });
    },
    context.user,
    { group, resource, subresource, namespace, name },
  );
  return {
    object: language.anyValue(object),
    oldObject: language.anyValue(old),
    request: language.anyValue(requestFields(request, as, isConverted)),
    authorizer: own,
  };
}

/** Variables that are given as JSON; what is undefined is null. */
export async function jsonValues(
  variables: Readonly<Record<string, unknown>>,
): Promise<ExpressionValues> {
  const { anyValue } = await loadExpressions();
  return Object.fromEntries(
    Object.entries(variables).map(([name, json]) => [name, anyValue(json)]),
  );
}
