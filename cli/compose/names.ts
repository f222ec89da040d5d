// Names in a Compose file as names that the API takes. Pure.
import type { Field } from './field.ts';

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Of a service: other instances call it by this name, so it is taken as it is or not at all. */
export function serviceName(field: Field, name: string): string {
  if (LABEL.test(name)) return name;
  const proposal = labelOf(name);
  const instead = proposal === undefined ? '' : `, such as ${proposal}`;
  return field.fail(
    `invalid service name '${name}': use up to 63 lower-case letters, digits and -, with a letter or digit at both ends${instead}`,
  );
}

/** Undefined when nothing is left of it. */
export function labelOf(text: string): string | undefined {
  const label = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^-/, '')
    .slice(0, 63)
    .replace(/-$/, '');
  return label === '' ? undefined : label;
}
