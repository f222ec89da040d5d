// `configs` and `secrets` of Compose: content that is written here or beside the file, mounted as files.
import type { FileMount, ServiceConfig, ServiceSecret } from '#controllers/service/types.ts';
import type { Field } from './field.ts';
import { dnsLabel } from '../spec/dns-label.ts';

/** Where the content of files comes from. */
export interface ContentSource {
  /** @throws Error when it cannot be read */
  readonly readFile: (path: string) => Buffer;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** Read when something uses it: what is not deployed may be missing. @throws ManifestError when it cannot be had */
type Content = () => Buffer;

export interface DeclaredConfig {
  readonly name: string;
  readonly content: Content;
}

export interface DeclaredSecret {
  /** Of the entry in the spec. */
  readonly name: string;
  /** Of the Secret object. */
  readonly secretName: string;
  readonly key: string;
  /** Undefined for one that is there already. */
  readonly content: Content | undefined;
}

const TOP_LEVEL = [
  'content',
  'driver',
  'driver_opts',
  'environment',
  'external',
  'file',
  'labels',
  'name',
  'template_driver',
];
/** What a Secret or ConfigMap can hold. */
const LONGEST_CONTENT = 1_048_576;

export function declaredConfigs(
  section: Field | undefined,
  from: ContentSource,
): ReadonlyMap<string, DeclaredConfig> {
  const configs = new Map<string, DeclaredConfig>();
  for (const [key, field] of section?.entries() ?? []) {
    if (key === '') field.fail('config name is required');
    field.refuseUnknown(TOP_LEVEL);
    const name = dnsLabel(key);
    const external = field.get('external');
    if (external !== undefined && (external.isMap || external.boolean()))
      external.fail('configs live in the service that has them: give it content or file');
    const content =
      contentOf(field, from, ['content', 'file', 'environment']) ??
      field.fail('has no content: give it content, file or environment');
    configs.set(key, { name, content });
  }
  return configs;
}

export function declaredSecrets(
  section: Field | undefined,
  from: ContentSource,
): ReadonlyMap<string, DeclaredSecret> {
  const secrets = new Map<string, DeclaredSecret>();
  for (const [key, field] of section?.entries() ?? []) {
    const command = field.isMap ? field.get('x-command') : undefined;
    command?.fail(
      'commands are not run for secrets: put what it prints into an environment variable, and name that with environment',
    );
    field.refuseUnknown(TOP_LEVEL);
    const name = dnsLabel(key);
    const external = field.get('external');
    const isExternal = external !== undefined && (external.isMap || external.boolean());
    const named =
      field.get('name') ?? (external?.isMap === true ? external.get('name') : undefined);
    const secretName = named === undefined ? name : objectName(named.text());
    const content = isExternal ? undefined : contentOf(field, from, ['file', 'environment']);
    if (content === undefined && !isExternal)
      field.fail('has no content: give it file or environment, or external: true');
    secrets.set(key, { name, secretName, key: isExternal ? name : 'value', content });
  }
  return secrets;
}

/** Secrets may have dots in their names. */
function objectName(name: string): string {
  return /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(name) ? name : dnsLabel(name);
}

function contentOf(
  field: Field,
  from: ContentSource,
  sources: readonly string[],
): Content | undefined {
  const given = sources.filter((source) => field.get(source) !== undefined);
  const [source] = given;
  if (source === undefined) return undefined;
  if (given.length > 1) field.fail(`has ${given.join(' and ')}: only one of them can be meant`);
  return () => {
    const content = read(field.get(source) ?? field, source, from);
    if (content.length > LONGEST_CONTENT)
      field.fail(`has ${content.length} bytes; ${LONGEST_CONTENT} is the most`);
    return content;
  };
}

function read(field: Field, source: string, { readFile, variables }: ContentSource): Buffer {
  const text = field.text();
  if (source === 'content') return Buffer.from(text);
  if (source === 'file') return field.attempt(() => readFile(text));
  const value = variables[text];
  return value === undefined
    ? field.fail(`the environment variable ${text} is not set`)
    : Buffer.from(value);
}

const MOUNT = ['gid', 'mode', 'source', 'target', 'uid'];

/** The configs that a service mounts. */
export function configsOf(
  service: Field,
  declared: ReadonlyMap<string, DeclaredConfig>,
): readonly ServiceConfig[] {
  return grouped(service.get('configs'), declared, 'config', '/').map(([config, mounts]) => {
    const content = config.content();
    const text = content.toString('utf8');
    const isText = Buffer.from(text).equals(content);
    return {
      name: config.name,
      ...(isText ? { content: text } : { binaryContent: content.toString('base64') }),
      mounts,
    };
  });
}

/** The secrets that a service mounts. */
export function secretsOf(
  service: Field,
  declared: ReadonlyMap<string, DeclaredSecret>,
): readonly ServiceSecret[] {
  return grouped(service.get('secrets'), declared, 'secret', '/run/secrets/').map(
    ([{ name, secretName, key }, mounts]) => ({ name, secretName, key, mounts }),
  );
}

/** Each thing that is mounted, with all its mounts. */
function grouped<T>(
  section: Field | undefined,
  declared: ReadonlyMap<string, T>,
  kind: 'config' | 'secret',
  folder: string,
): readonly (readonly [T, readonly FileMount[]])[] {
  const mounts = new Map<T, FileMount[]>();
  const paths = new Set<string>();
  for (const item of section?.items() ?? []) {
    if (!item.isText) item.refuseUnknown(MOUNT);
    const source = item.isText ? item : (item.get('source') ?? item.fail('source is missing'));
    const key = source.text();
    const found =
      declared.get(key) ??
      source.fail(
        `${kind} mount references a ${kind} that doesn't exist: '${key}'; add it to ${kind}s at the top level`,
      );
    const mount = mountOf(item, key, folder);
    const { path = '' } = mount;
    if (paths.has(path)) item.fail(`${path} is mounted already`);
    paths.add(path);
    mounts.set(found, [...(mounts.get(found) ?? []), mount]);
  }
  return [...mounts];
}

function mountOf(item: Field, key: string, folder: string): FileMount {
  if (item.isText) return { path: `${folder}${key}` };
  const target = item.get('target')?.text() ?? '';
  const mode = item.get('mode')?.fileMode();
  const uid = idOf(item, 'uid');
  const gid = idOf(item, 'gid');
  if (target !== '' && !target.startsWith('/') && folder === '/')
    item.get('target')?.fail(`'${target}' must be an absolute path in the container`);
  return {
    path: target === '' ? `${folder}${key}` : target.startsWith('/') ? target : folder + target,
    ...(mode === undefined ? {} : { mode }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  };
}

function idOf(item: Field, key: 'uid' | 'gid'): number | undefined {
  const field = item.get(key);
  if (field === undefined) return undefined;
  const text = field.text();
  if (/^\d{1,10}$/.test(text) && Number(text) < 2 ** 32) return Number(text);
  const word = key === 'uid' ? 'Uid' : 'Gid';
  return field.fail(`invalid ${word} '${text}': must be a number`);
}
