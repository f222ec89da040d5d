// What may be wrong with the validations of a policy, given the kinds that its rules name: as warnings in its status, since a kind may
// have another form tomorrow. Nothing is refused for it.
import { policyVariables } from '../../api/cel/admission-variables.ts';
import { composeVariables } from '../../api/cel/composed-variables.ts';
import type { loadExpressions } from '../../api/cel/load.ts';
import { listAt } from '../../api/fields.ts';
import type { KubernetesObject } from '../../api/object.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import type { Scheme } from '../../api/scheme.ts';
import { readValidatingPolicy } from './policy.ts';
import type { ValidatingPolicy } from './policy.ts';

type Language = Awaited<ReturnType<typeof loadExpressions>>;

export interface ExpressionWarning {
  readonly fieldRef: string;
  readonly warning: string;
}

/** Kinds that one rule is checked against, as upstream. */
const MOST_KINDS = 10;

/** One warning for each expression, with what every kind says to it. */
export function checkTypes(
  language: Pick<Language, 'compileExpression'>,
  scheme: Scheme,
  object: KubernetesObject,
): readonly ExpressionWarning[] {
  const policy = readValidatingPolicy(object);
  const kinds = kindsOf(scheme, object);
  return policy.validations.flatMap(({ text, messageExpression }, index) => {
    const field = `spec.validations[${index}]`;
    const checked = [
      { fieldRef: `${field}.expression`, text },
      { fieldRef: `${field}.messageExpression`, text: messageExpression },
    ];
    return checked.flatMap(({ fieldRef, text: expression }) => {
      if (expression === '') return [];
      const problems = kinds.flatMap((kind) => {
        const problem = problemOf(language, scheme, policy, kind, expression);
        return problem === undefined ? [] : [`${nameOf(kind)}: ${problem}\n`];
      });
      return problems.length === 0 ? [] : [{ fieldRef, warning: problems.join('\n') }];
    });
  });
}

function problemOf(
  { compileExpression }: Pick<Language, 'compileExpression'>,
  scheme: Scheme,
  { paramKind, variables }: ValidatingPolicy,
  { schema }: ResourceDefinition,
  text: string,
): string | undefined {
  const params =
    paramKind && scheme.byKind(paramKind.group, paramKind.version, paramKind.kind)?.schema;
  const base = {
    ...policyVariables(false),
    object: { whole: schema },
    oldObject: { whole: schema },
    ...(params === undefined ? {} : { params: { whole: params } }),
  };
  const { types } = composeVariables(compileExpression, base, variables);
  const compiled = compileExpression(text, types);
  if (!('problem' in compiled)) return undefined;
  return compiled.problem.replace(/^compilation failed: /, '');
}

/** `apps/v1, Kind=Deployment`: as Go prints a kind. */
function nameOf({ group, version, kind }: ResourceDefinition): string {
  return `${group}/${version}, Kind=${kind}`;
}

/** Those that rules name in full, in order; a rule with an asterisk stands for too many. */
function kindsOf(scheme: Scheme, policy: KubernetesObject): readonly ResourceDefinition[] {
  const found = new Set<ResourceDefinition>();
  for (const rule of listAt(policy, 'spec', 'matchConstraints', 'resourceRules')) {
    const [groups, versions, resources] = ['apiGroups', 'apiVersions', 'resources'].map((list) =>
      listAt(rule, list).map(String).toSorted(),
    ) as [string[], string[], string[]];
    if ([...groups, ...versions].some((name) => name.includes('*'))) continue;
    const plain = resources.filter((name) => !/[*/]/.test(name));
    const named = groups.flatMap((group) =>
      versions.flatMap((version) =>
        plain.flatMap((resource) => scheme.byResource(group, version, resource) ?? []),
      ),
    );
    for (const kind of named.slice(0, MOST_KINDS)) found.add(kind);
    if (named.length >= MOST_KINDS) break;
  }
  return [...found].toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}
