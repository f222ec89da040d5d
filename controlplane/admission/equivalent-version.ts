// The same object in another version of its kind: for those who asked to be shown that one.
import type { ResourceDefinition } from '../api/resource.ts';
import type { Scheme } from '../api/scheme.ts';
import type { AdmissionRequest, Operation } from '../registry/admission.ts';
import { matchesWrite } from './resource-rule.ts';
import type { ResourceRule } from './resource-rule.ts';

/** A subresource with a kind of its own is the same in all versions of its parent. */
export function convertsWith({ kind, definition }: AdmissionRequest): boolean {
  return kind.kind === definition.kind && kind.group === definition.group;
}

/**
 * The version of the kind that one of the rules is about: the one of the request itself before others.
 *
 * @param equivalent whether rules about other versions of the kind count
 * @returns undefined when no rule is about such writes
 */
export function versionShown(
  rules: readonly ResourceRule[],
  equivalent: boolean,
  scheme: Scheme,
  definition: ResourceDefinition,
  subresource: string,
  operation: Operation,
): ResourceDefinition | undefined {
  if (rules.some((rule) => matchesWrite(rule, definition, subresource, operation))) {
    return definition;
  }
  if (!equivalent) return undefined;
  const others = scheme
    .definitions()
    .filter(
      (other) =>
        other !== definition &&
        other.storageKey === definition.storageKey &&
        (subresource === '' || other.subresources.some(({ name }) => name === subresource)),
    );
  for (const rule of rules) {
    const other = others.find((one) => matchesWrite(rule, one, subresource, operation));
    if (other !== undefined) return other;
  }
  return undefined;
}
