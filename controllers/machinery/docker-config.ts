// Credentials for image registries as Docker and Kubernetes keep them: a Docker `config.json`, or a Secret of type
// kubernetes.io/dockerconfigjson or kubernetes.io/dockercfg. Which of them is for which image follows Kubernetes. Pure.
import type { ImageReference } from './image-reference.ts';

export interface RegistryLogin {
  readonly username: string;
  readonly password: string;
  /** Given instead of a password by registries that hand out refresh tokens. */
  readonly identityToken?: string;
  /** Sent as it is. */
  readonly registryToken?: string;
}

export interface DockerConfig {
  /** By the address that the user logged in to: `ghcr.io`, `https://index.docker.io/v1/`, `*.acme.com/team`. */
  readonly logins: ReadonlyMap<string, RegistryLogin>;
  /** `docker-credential-<name>` keeps the logins of a registry. */
  readonly helpers: ReadonlyMap<string, string>;
  /** … and of all others. */
  readonly defaultHelper: string | undefined;
}

export const EMPTY_DOCKER_CONFIG: DockerConfig = {
  logins: new Map(),
  helpers: new Map(),
  defaultHelper: undefined,
};

type JsonMap = Readonly<Record<string, unknown>>;

/** What it cannot understand it leaves out. @throws Error that quotes nothing of the text when that is no JSON object */
export function parseDockerConfig(text: string): DockerConfig {
  const value = jsonMap(text);
  const helpers = new Map<string, string>();
  for (const [address, helper] of entries(value['credHelpers']))
    if (isHelperName(helper)) helpers.set(address, helper);
  return {
    logins: parseLogins(value['auths']),
    helpers,
    defaultHelper: isHelperName(value['credsStore']) ? value['credsStore'] : undefined,
  };
}

export interface PullSecret {
  readonly type?: string;
  /** base64, as in the API. */
  readonly data?: Readonly<Record<string, string>>;
}

/** The logins in a Secret for pulling images; without any when it is none. @throws Error as parseDockerConfig() */
export function parsePullSecret({ type, data = {} }: PullSecret): DockerConfig {
  const decoded = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString('utf8');
  if (type === 'kubernetes.io/dockerconfigjson') {
    const { logins } = parseDockerConfig(decoded('.dockerconfigjson'));
    // A Secret has no say in which programs are run here.
    return { ...EMPTY_DOCKER_CONFIG, logins };
  }
  if (type === 'kubernetes.io/dockercfg')
    return { ...EMPTY_DOCKER_CONFIG, logins: parseLogins(jsonMap(decoded('.dockercfg'))) };
  return EMPTY_DOCKER_CONFIG;
}

/** The logins for an image, the most specific address first. */
export function loginsFor(config: DockerConfig, image: ImageReference): readonly RegistryLogin[] {
  return [...config.logins]
    .filter(([address]) => covers(address, image))
    .toSorted(([a], [b]) => bare(b).length - bare(a).length || (a < b ? -1 : 1))
    .map(([, login]) => login);
}

/** Which helper to ask for an image, and the address to ask it for. */
export function helperFor(
  config: DockerConfig,
  image: ImageReference,
): { readonly helper: string; readonly address: string } | undefined {
  const own = [...config.helpers].find(([address]) => covers(address, image));
  const helper = own?.[1] ?? config.defaultHelper;
  if (helper === undefined) return undefined;
  return { helper, address: loginAddress(image.domain) };
}

/** Under which address Docker keeps the login of a registry. */
export function loginAddress(domain: string): string {
  return domain === 'docker.io' ? 'https://index.docker.io/v1/' : domain;
}

function parseLogins(value: unknown): ReadonlyMap<string, RegistryLogin> {
  const logins = new Map<string, RegistryLogin>();
  for (const [address, entry] of entries(value)) {
    const login = loginOf(entry);
    if (login !== undefined) logins.set(address, login);
  }
  return logins;
}

function loginOf(entry: unknown): RegistryLogin | undefined {
  if (!isMap(entry)) return undefined;
  const text = (name: string): string => (typeof entry[name] === 'string' ? entry[name] : '');
  const decoded = Buffer.from(text('auth'), 'base64').toString('utf8').replace(/\0+$/, '');
  const colon = decoded.indexOf(':');
  const username = text('username') || (colon < 0 ? '' : decoded.slice(0, colon));
  const password = text('password') || (colon < 0 ? '' : decoded.slice(colon + 1));
  const identityToken = text('identitytoken');
  const registryToken = text('registrytoken');
  if (username === '' && identityToken === '' && registryToken === '') return undefined;
  return {
    username,
    password,
    ...(identityToken === '' ? {} : { identityToken }),
    ...(registryToken === '' ? {} : { registryToken }),
  };
}

/** It becomes the name of a program: nothing that leads elsewhere. */
function isHelperName(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(value);
}

/** Without what Docker puts around the name of a registry. */
function bare(address: string): string {
  return address.replace(/^https?:\/\//, '').replace(/\/(?:v[12]\/?)?$/, '');
}

const DEFAULT_DOMAINS = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

function covers(address: string, { domain, path }: ImageReference): boolean {
  const [host = '', ...folders] = bare(address).split('/');
  if (!folders.every((folder, index) => folder === path.split('/')[index])) return false;
  if (DEFAULT_DOMAINS.has(host)) return domain === 'docker.io';
  const [labels, wanted] = [host.split('.'), domain.split('.')];
  return labels.length === wanted.length && labels.every((label, at) => matches(label, wanted[at]));
}

/** `*` stands for any characters of one label. No regular expression: the text is somebody else's. */
function matches(pattern: string, text = ''): boolean {
  const parts = pattern.split('*');
  if (parts.length === 1) return pattern === text;
  const [first = ''] = parts;
  const last = parts.at(-1) ?? '';
  if (text.length < first.length + last.length) return false;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > text.length - last.length) return false;
    at = found + part.length;
  }
  return true;
}

function jsonMap(text: string): JsonMap {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, and that holds passwords.
    throw new Error('it is not valid JSON');
  }
  if (!isMap(value)) throw new Error('it is no JSON object');
  return value;
}

function isMap(value: unknown): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function entries(value: unknown): readonly [string, unknown][] {
  return isMap(value) ? Object.entries(value) : [];
}
