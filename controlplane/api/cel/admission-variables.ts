// The variables that conditions and policies of admission see, and of which types. Objects are of any type: which one comes is not
// known when the expression is written.
import type { VariableType } from './expressions.ts';

const kind = { fields: { group: 'string', version: 'string', kind: 'string' } } as const;
const resource = { fields: { group: 'string', version: 'string', resource: 'string' } } as const;

const request: VariableType = {
  fields: {
    kind,
    resource,
    subResource: 'string',
    requestKind: kind,
    requestResource: resource,
    requestSubResource: 'string',
    name: 'string',
    namespace: 'string',
    operation: 'string',
    userInfo: {
      fields: {
        username: 'string',
        uid: 'string',
        groups: 'list<string>',
        extra: 'map<string, list<string>>',
      },
    },
    dryRun: 'bool',
    options: 'dyn',
  },
};

/** Of matchConditions. */
export const conditionVariables: Readonly<Record<string, VariableType>> = {
  object: 'dyn',
  oldObject: 'dyn',
  request,
  authorizer: 'kubernetes.authorization.Authorizer',
};

/** Of admission policies, beside `variables`. @param hasParams the policy takes parameters */
export function policyVariables(hasParams: boolean): Readonly<Record<string, VariableType>> {
  return {
    ...conditionVariables,
    namespaceObject: 'dyn',
    ...(hasParams ? { params: 'dyn' } : {}),
  };
}
