// Reads values of unknown shape, for files that anybody may have written: each reader takes a value and the path that it stands at, and
// throws a ShapeError that names the path. Pure.

export class ShapeError extends Error {
  constructor(path: string, must: string, found: unknown) {
    const text = JSON.stringify(found) as string | undefined;
    super(`${path} must be ${must}, found ${(text ?? 'nothing').slice(0, 80)}`);
    this.name = 'ShapeError';
  }
}

export type Fields = Readonly<Record<string, unknown>>;
type Reader<T> = (value: unknown, path: string) => T;

export function fieldsOf(value: unknown, path: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new ShapeError(path, 'an object', value);
}

export function textOf(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  throw new ShapeError(path, 'a text', value);
}

/** Environment variables and the like: a number stands for its text. */
export function wordOf(value: unknown, path: string): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return textOf(value, path);
}

export function numberOf(value: unknown, path: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new ShapeError(path, 'a number', value);
}

export function flagOf(value: unknown, path: string): boolean {
  if (typeof value === 'boolean') return value;
  throw new ShapeError(path, 'true or false', value);
}

/** An absent list is an empty one. */
export function listOf<T>(value: unknown, path: string, read: Reader<T>): readonly T[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new ShapeError(path, 'a list', value);
  return (value as unknown[]).map((item, index) => read(item, `${path}[${index}]`));
}

export function mapOf<T>(
  value: unknown,
  path: string,
  read: Reader<T>,
): Readonly<Record<string, T>> {
  const entries = Object.entries(fieldsOf(value, path)).map(([name, item]): [string, T] => [
    name,
    read(item, `${path}.${name}`),
  ]);
  return Object.fromEntries(entries);
}

type Shape<T> = { readonly [K in keyof T]-?: Reader<Exclude<T[K], undefined>> };

/** An object with known fields, of which those in `required` must be there; an unknown one is an error, so that nothing is overlooked. */
export function recordOf<T extends object>(
  shape: Shape<T>,
  required: readonly (keyof T & string)[] = [],
): Reader<T> {
  return (value, path) => {
    const fields = fieldsOf(value, path);
    for (const name of required) {
      if (fields[name] === undefined || fields[name] === null)
        throw new ShapeError(`${path}.${name}`, 'there', fields[name]);
    }
    const entries = Object.entries(fields).flatMap(([name, item]): [string, unknown][] => {
      if (item === undefined || item === null) return [];
      if (!Object.hasOwn(shape, name))
        throw new ShapeError(`${path}.${name}`, 'a field that the format has', item);
      return [[name, (shape as Record<string, Reader<unknown>>)[name]?.(item, `${path}.${name}`)]];
    });
    return Object.fromEntries(entries) as T;
  };
}

export function list<T>(read: Reader<T>): Reader<readonly T[]> {
  return (value, path) => listOf(value, path, read);
}

export function map<T>(read: Reader<T>): Reader<Readonly<Record<string, T>>> {
  return (value, path) => mapOf(value, path, read);
}
