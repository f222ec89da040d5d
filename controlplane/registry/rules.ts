// Rules in CEL at the writes of custom resources: loading the language in time, and when rules are looked at.
import {
  evaluateRules,
  loadExpressions,
  loadRules,
  mentionsRules,
  rulesLoaded,
} from '#controlplane/api/cel/load.ts';
import { hasRules } from '#controlplane/api/cel/has-rules.ts';
import type { FieldError } from '#controlplane/api/errors.ts';
import { listAt } from '#controlplane/api/fields.ts';
import { invalidField } from '#controlplane/api/field-errors.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import { CUSTOM_RESOURCE_DEFINITIONS } from './strategies/custom-resource-definition.ts';

/** A value of which these are said may not have the types that rules were checked against. */
const BLOCKING: ReadonlySet<FieldError['reason']> = new Set<FieldError['reason']>([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

/** Loads the language when `object` has rules, or is a definition with some. Nothing to wait for otherwise. */
export async function needRules(
  definition: ResourceDefinition,
  object: KubernetesObject,
): Promise<void> {
  if (definition.group === 'admissionregistration.k8s.io') {
    // The language checks what stands in them.
    if (mentionsExpressions(object)) await loadExpressions();
    return;
  }
  if (rulesLoaded()) return;
  const isDefinition = definition.storageKey === CUSTOM_RESOURCE_DEFINITIONS;
  const needed = definition.custom ? hasRules(definition.schema) : isDefinition;
  if (needed && (definition.custom || mentionsRules(object))) await loadRules();
}

function mentionsExpressions(object: KubernetesObject): boolean {
  if (object.kind.includes('Policy')) return true;
  return listAt(object, 'webhooks').some(
    (webhook) => listAt(webhook, 'matchConditions').length > 0,
  );
}

/** @param errors found before; some of them stand in the way of rules */
export function brokenRules(
  definition: ResourceDefinition,
  object: KubernetesObject,
  old: KubernetesObject | undefined,
  errors: readonly FieldError[],
): readonly FieldError[] {
  if (!definition.custom || !hasRules(definition.schema)) return [];
  if (!errors.some((error) => BLOCKING.has(error.reason))) {
    return evaluateRules(definition.schema, object, old);
  }
  const detail =
    'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
  return [invalidField('<nil>', null, detail)];
}
