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

/** `db_data` → `db-data`: of what only this file and the plan call by its name. */
export function resourceName(field: Field, name: string): string {
  return labelOf(name) ?? field.fail(`'${name}' holds no letter or digit to make a name of`);
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

/** Two names of one file that become one would be mixed up. */
export class TakenNames {
  readonly #names = new Map<string, string>();

  take(field: Field, original: string, name: string): void {
    const other = this.#names.get(name);
    if (other !== undefined && other !== original)
      field.fail(`'${original}' and '${other}' both become ${name}: give one another name`);
    this.#names.set(name, original);
  }
}
