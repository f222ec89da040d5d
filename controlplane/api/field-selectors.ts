// Field selectors: `?fieldSelector=spec.nodeName=a,status.phase!=Running`, with backslash escapes in values.
// Which labels a kind knows comes from its ResourceDefinition; values are looked up in the store's index.
import { badRequest } from './errors.ts';
import type { ResourceDefinition } from './resource.ts';

export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

export type FieldSelector = readonly FieldRequirement[];

/**
 * @throws ApiError BadRequest for a term without `=`, `==` or `!=` and for a bad escape
 */
export function parseFieldSelector(text: string): FieldSelector {
  const requirements: FieldRequirement[] = [];
  for (const term of splitTerms(text)) {
    if (term === '') continue;
    const match = /^(.*?)(!=|==|=)(.*)$/s.exec(term);
    if (match === null) {
      throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    }
    const [, field = '', operator = '', value = ''] = match;
    requirements.push({ field, operator: operator === '!=' ? '!=' : '=', value: unescape(value) });
  }
  return requirements;
}

function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let term = '';
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === '\\') {
      term += char + text.charAt(at + 1);
      at += 1;
    } else if (char === ',') {
      terms.push(term);
      term = '';
    } else term += char;
  }
  terms.push(term);
  return terms;
}

function unescape(value: string): string {
  let plain = '';
  for (let at = 0; at < value.length; at += 1) {
    const char = value.charAt(at);
    if (char === '=' || char === ',') {
      throw badRequest(`invalid field selector: unescaped character in value: ${char}`);
    }
    if (char !== '\\') {
      plain += char;
      continue;
    }
    const escaped = value.charAt(at + 1);
    if (escaped !== '\\' && escaped !== ',' && escaped !== '=') {
      throw badRequest(`invalid field selector: invalid escape sequence: \\${escaped}`);
    }
    plain += escaped;
    at += 1;
  }
  return plain;
}

/** A value for a field selector that means exactly `value`. */
export function escapeFieldValue(value: string): string {
  return value.replaceAll(/[\\,=]/g, (char) => `\\${char}`);
}

/**
 * Refuses labels that the kind does not know.
 *
 * @throws ApiError BadRequest in the words of upstream, which depend on whether the kind has fields of its own
 */
export function checkFieldSelector(
  selector: FieldSelector,
  definition: Pick<ResourceDefinition, 'selectableFields' | 'custom' | 'namespaced'>,
): void {
  const { selectableFields, custom, namespaced } = definition;
  const hasOwn = Object.keys(selectableFields).length > 0;
  for (const { field } of selector) {
    if (field === 'metadata.name') continue;
    if (field === 'metadata.namespace' && (namespaced || !(hasOwn || custom))) continue;
    if (Object.hasOwn(selectableFields, field)) continue;
    throw badRequest(
      hasOwn || custom
        ? `field label not supported: ${field}`
        : `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
    );
  }
}

/** What a selector needs to know of an object; a StoredObject fits. */
export interface SelectableObject {
  readonly namespace: string;
  readonly name: string;
  readonly fields: Readonly<Record<string, string>>;
}

export function matchesFields(selector: FieldSelector, object: SelectableObject): boolean {
  for (const { field, operator, value } of selector) {
    if ((fieldOf(object, field) === value) !== (operator === '=')) return false;
  }
  return true;
}

function fieldOf(object: SelectableObject, field: string): string {
  if (field === 'metadata.name') return object.name;
  if (field === 'metadata.namespace') return object.namespace;
  return object.fields[field] ?? '';
}

/** The value that a selector demands of a field (`metadata.name=x` → `x`): lets a list become a get. */
export function requiredValue(selector: FieldSelector, field: string): string | undefined {
  return selector.find((term) => term.field === field && term.operator === '=')?.value;
}
