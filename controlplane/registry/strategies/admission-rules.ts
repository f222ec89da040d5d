// What webhooks and admission policies share: rules about operations and resources, and conditions with names.
import { conditionVariables } from '#controlplane/api/cel/admission-variables.ts';
import type { Dialect, Expression, VariableType } from '#controlplane/api/cel/expressions.ts';
import { loadedExpressions } from '#controlplane/api/cel/load.ts';
import type { FieldError } from '#controlplane/api/errors.ts';
import { duplicateField, invalidField, requiredField } from '#controlplane/api/field-errors.ts';
import { listAt, stringAt } from '#controlplane/api/fields.ts';
import { checkQualifiedName } from '#controlplane/api/names.ts';

const MOST_CONDITIONS = 64;

/** Lists in which `*` stands alone, and what it would stand beside. */
const ALONE = [
  ['operations', 'operations'],
  ['apiGroups', 'API groups'],
  ['apiVersions', 'API versions'],
] as const;

export function validateRules(rule: unknown, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [name, others] of ALONE) {
    const values = listAt(rule, name);
    const at = `${field}.${name}`;
    if (values.length === 0) errors.push(requiredField(at));
    else if (values.length > 1 && values.includes('*')) {
      errors.push(invalidField(at, values, `if '*' is present, must not specify other ${others}`));
    }
  }
  for (const [index, version] of listAt(rule, 'apiVersions').entries()) {
    if (version === '') errors.push(requiredField(`${field}.apiVersions[${index}]`));
  }
  return [...errors, ...validateResources(listAt(rule, 'resources'), `${field}.resources`)];
}

function validateResources(resources: readonly unknown[], field: string): FieldError[] {
  if (resources.length === 0) return [requiredField(field)];
  const errors: FieldError[] = [];
  for (const [index, resource] of resources.entries()) {
    if (resource === '') errors.push(requiredField(`${field}[${index}]`));
  }
  if (resources.length > 1 && resources.includes('*/*')) {
    const why = "if '*/*' is present, must not specify other resources";
    errors.push(invalidField(field, resources, why));
  }
  const plain = resources.filter((resource) => !String(resource).includes('/'));
  if (plain.length > 1 && plain.includes('*')) {
    const why = "if '*' is present, must not specify other resources without subresources";
    errors.push(invalidField(field, resources, why));
  }
  return errors;
}

/**
 * Compiles an expression that must give `type`.
 *
 * @param types wanted ones; any is good when it can be known only when the expression is run
 */
export function validateExpression(
  text: string,
  types: string | readonly string[],
  field: string,
  variables: Readonly<Record<string, VariableType>>,
): FieldError[] {
  return validateResult(text, types, field, compileExpression(text, variables), true);
}

/** An expression of a mutation: what it gives must be known when it is written. */
export function validateMutation(
  text: string,
  type: string,
  field: string,
  variables: Readonly<Record<string, VariableType>>,
): FieldError[] {
  return validateResult(text, type, field, compileExpression(text, variables, 'mutations'), false);
}

function compileExpression(
  text: string,
  variables: Readonly<Record<string, VariableType>>,
  dialect?: Dialect,
): Expression | { readonly problem: string } {
  return loadedExpressions().compileExpression(text, variables, dialect);
}

function validateResult(
  text: string,
  types: string | readonly string[],
  field: string,
  compiled: Expression | { readonly problem: string },
  isLax: boolean,
): FieldError[] {
  if ('problem' in compiled) return [invalidField(field, text, compiled.problem)];
  const found = compiled.shownType;
  if ((isLax && found.startsWith('dyn')) || [types].flat().includes(found)) return [];
  const wanted = typeof types === 'string' ? types : `one of [${types.join(' ')}]`;
  return [invalidField(field, text, `must evaluate to ${wanted} but got ${found}`)];
}

/** @param owner what has `matchConditions` @param field where it stands; '' for the object itself */
export function validateMatchConditions(
  owner: unknown,
  field: string,
  variables: Readonly<Record<string, VariableType>> = conditionVariables,
): FieldError[] {
  const conditions = listAt(owner, 'matchConditions');
  const list = `${field}.matchConditions`;
  if (conditions.length > MOST_CONDITIONS) {
    const message = `Too many: ${conditions.length}: must have at most ${MOST_CONDITIONS} items`;
    return [{ reason: 'FieldValueTooMany', field: list, message }];
  }
  const names = new Set<string>();
  return conditions.flatMap((condition, index) => {
    const at = `${list}[${index}]`;
    const errors: FieldError[] = [];
    const name = stringAt(condition, 'name');
    const wrong = name === '' ? undefined : checkQualifiedName(name);
    if (wrong !== undefined) errors.push(invalidField(`${at}.name`, name, wrong));
    if (names.has(name)) errors.push(duplicateField(`${at}.name`, name));
    const expression = stringAt(condition, 'expression');
    if (expression.trim() === '') errors.push(requiredField(`${at}.expression`));
    else errors.push(...validateExpression(expression, 'bool', `${at}.expression`, variables));
    names.add(name);
    return errors;
  });
}
