// `environment` and `env_file` of a Compose service as variables of a container.
import type { V1EnvVar } from '@kubernetes/client-node';
import { parseEnvFile } from './env-file.ts';
import type { Field } from './field.ts';
import type { ContentSource, DeclaredSecret } from './files.ts';
import { entriesOf } from './texts.ts';
import { literal } from '../spec/container-of-spec.ts';

const FILE_KEYS = ['format', 'path', 'required'];
/** A value `secret://NAME` is that of a secret of the file, and never written into the Service. */
const SECRET = /^secret:\/\/(.+)$/;

/** What is in `environment` wins over `env_file`, a later file over an earlier one. */
export function environmentOf(
  service: Field,
  secrets: ReadonlyMap<string, DeclaredSecret>,
  from: ContentSource,
): readonly V1EnvVar[] {
  const variables = new Map<string, V1EnvVar>();
  for (const item of service.get('env_file')?.itemsOrOne() ?? [])
    for (const [name, value] of Object.entries(readEnvFile(item, from)))
      variables.set(checked(item, name), { name, value: literal(value) });
  const section = service.get('environment');
  for (const [name, given, field] of entriesOf(section)) {
    if (name === '') continue;
    checked(field, name);
    const value = given ?? from.variables[name];
    // Without a value here it has none there, as in Compose.
    if (value === undefined) variables.delete(name);
    else variables.set(name, variable(field, name, value, secrets));
  }
  return [...variables.values()];
}

function variable(
  field: Field,
  name: string,
  value: string,
  secrets: ReadonlyMap<string, DeclaredSecret>,
): V1EnvVar {
  const reference = SECRET.exec(value)?.[1];
  if (reference === undefined) return { name, value: literal(value) };
  const secret =
    secrets.get(reference) ??
    field.fail(`there is no secret '${reference}': add it to secrets at the top level`);
  return {
    name,
    valueFrom: { secretKeyRef: { name: secret.secretName, key: secret.key } },
  };
}

function readEnvFile(item: Field, from: ContentSource): Readonly<Record<string, string>> {
  if (!item.isText) item.refuseUnknown(FILE_KEYS);
  const path = item.isText ? item : (item.get('path') ?? item.fail('path is missing'));
  const isRequired = item.isText || (item.get('required')?.boolean() ?? true);
  const isRaw = !item.isText && item.get('format')?.choice(['raw']) === 'raw';
  let content: Buffer;
  try {
    content = from.readFile(path.text());
  } catch (error) {
    return isRequired ? path.fail((error as Error).message) : {};
  }
  return path.attempt(() => {
    try {
      return parseEnvFile(content.toString('utf8'), { variables: from.variables, isRaw });
    } catch (error) {
      throw new Error(`${path.text()}, ${(error as Error).message}`, { cause: error });
    }
  });
}

function checked(field: Field, name: string): string {
  // What the API takes for the name of a variable.
  if (/^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(name)) return name;
  return field.fail(`${JSON.stringify(name)} is no name for an environment variable`);
}
