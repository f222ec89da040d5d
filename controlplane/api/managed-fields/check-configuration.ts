// Whether an applied configuration has the types that its schema says, with items that can be told apart. In upstream's words,
// which operators' authors search for.
import { isJsonObject } from '../schema/json-value.ts';
import type { Schema } from '../schema/schema.ts';
import { displayPath, fieldElement } from './path-element.ts';
import { itemElement, itemSchema, memberSchema, propertyOf, shapeOf } from './shape.ts';

/** What is wrong, each with its path in front; empty when nothing is. */
export function checkConfiguration(schema: Schema, object: unknown): readonly string[] {
  const errors: string[] = [];
  checkMembers(schema, object, '', errors);
  return errors;
}

function checkMembers(schema: Schema, value: unknown, path: string, errors: string[]): void {
  if (value === null) return;
  if (!isJsonObject(value)) {
    errors.push(`${path}: expected map, got ${shown(value)}`);
    return;
  }
  for (const name of Object.keys(value)) {
    const at = `${path}${displayPath([fieldElement(name)])}`;
    if (!isKnown(schema, name)) {
      errors.push(`${at}: field not declared in schema`);
      return;
    }
    checkValue(memberSchema(schema, name), value[name], at, errors);
  }
}

function isKnown(schema: Schema, name: string): boolean {
  return (
    propertyOf(schema, name) !== undefined ||
    schema.additionalProperties !== undefined ||
    schema.preserveUnknownFields === true ||
    schema.type === 'any' ||
    schema.properties === undefined
  );
}

function checkValue(schema: Schema, value: unknown, path: string, errors: string[]): void {
  if (value === null) return;
  switch (schema.type) {
    case 'object':
      return checkMembers(schema, value, path, errors);
    case 'array':
      return checkItems(schema, value, path, errors);
    case 'any':
      if (shapeOf(schema, value) === 'map') checkMembers(schema, value, path, errors);
      return;
    default:
      checkScalar(schema, value, path, errors);
  }
}

function checkItems(schema: Schema, value: unknown, path: string, errors: string[]): void {
  if (!Array.isArray(value)) {
    errors.push(`${path}: expected list, got ${shown(value)}`);
    return;
  }
  const isKeyed = shapeOf(schema, value) === 'list';
  const seen = new Set<string>();
  for (const [at, item] of (value as unknown[]).entries()) {
    let element = `i:${at}`;
    if (isKeyed) {
      try {
        element = itemElement(schema, item);
      } catch (error) {
        errors.push(`${path}: element ${at}: ${(error as Error).message}`);
        return;
      }
      if (seen.has(element)) {
        errors.push(`${path}: duplicate entries for key ${displayPath([element])}`);
      }
      seen.add(element);
    }
    checkValue(itemSchema(schema), item, `${path}${displayPath([element])}`, errors);
  }
}

function checkScalar(schema: Schema, value: unknown, path: string, errors: string[]): void {
  const type = typeof value;
  switch (schema.type) {
    case 'boolean':
      if (type !== 'boolean') errors.push(`${path}: expected boolean, got ${shown(value)}`);
      return;
    case 'integer':
    case 'number':
      if (type !== 'number') {
        errors.push(`${path}: expected numeric (int or float), got ${goType(value)}`);
      }
      return;
    case 'string':
      // A quantity may be written as a number.
      if (schema.format === 'quantity' && type === 'number') return;
      if (type !== 'string') {
        errors.push(
          `${path}: expected string, got &value.valueUnstructured{Value:${goValue(value)}}`,
        );
      }
      return;
    default:
      if (type === 'object') errors.push(`${path}: expected any scalar, got ${shown(value)}`);
  }
}

/** As Go prints a pointer to a value. */
function shown(value: unknown): string {
  return `&{${goText(value)}}`;
}

function goText(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (!isJsonObject(value)) return typeof value === 'string' ? value : JSON.stringify(value);
  const fields = Object.keys(value)
    .toSorted()
    .map((name) => `${name}:${goText(value[name])}`);
  return `map[${fields.join(' ')}]`;
}

function goValue(value: unknown): string {
  if (Array.isArray(value)) return `[]interface {}{${value.map(goValue).join(', ')}}`;
  if (!isJsonObject(value)) return value === undefined ? '<nil>' : JSON.stringify(value);
  const fields = Object.keys(value)
    .toSorted()
    .map((name) => `${JSON.stringify(name)}:${goValue(value[name])}`);
  return `map[string]interface {}{${fields.join(', ')}}`;
}

function goType(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (isJsonObject(value)) return 'map[string]interface {}';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}
