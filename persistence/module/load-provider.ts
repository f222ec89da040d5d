// `--persistence module:PATH`: a provider that somebody else wrote. What it lacks is named, before anything is written.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { LogPersistenceProvider, PersistenceProvider } from '../provider.ts';
import type { Clock } from '#platform/clock.ts';
import { systemClock } from '#platform/clock.ts';
import { CheckedProvider } from './checked-provider.ts';
import { ObjectReplica } from './object-replica.ts';
import { offerOwnPackage } from './own-package.ts';

/** What every provider has. */
const OBJECT_VERBS = [
  'initialize',
  'instances',
  'instanceStatus',
  'putObject',
  'deleteObject',
  'getObject',
  'getAllObjects',
] as const;

/** What a primary has beside them. */
const LOG_VERBS = [
  'claimEpoch',
  'cursor',
  'append',
  'replay',
  'readFrom',
  'compact',
  'restore',
  'setAside',
  'verify',
] as const;

/** The module cannot be used; the message says what it lacks. */
export class ProviderModuleError extends Error {
  constructor(path: string, why: string, options?: ErrorOptions) {
    super(`Cannot use the persistence provider ${path}: ${why}`, options);
    this.name = 'ProviderModuleError';
  }
}

export interface LoadedProvider {
  /** Not initialized. */
  readonly provider: LogPersistenceProvider;
  /** At least one. */
  readonly instances: readonly string[];
  /** Without secrets: the path alone. */
  readonly location: string;
  /** False for a provider of the seven verbs: it can be a replica. */
  readonly keepsLog: boolean;
}

/**
 * @param text PATH, or PATH?name=value&… whose values go to `createProvider` as one object
 * @throws ProviderModuleError
 */
export async function loadProvider(
  text: string,
  clock: Clock = systemClock,
): Promise<LoadedProvider> {
  const mark = text.indexOf('?');
  const path = resolve(mark < 0 ? text : text.slice(0, mark));
  if (path.includes('\0')) throw new ProviderModuleError('…', 'its path holds a NUL');
  const parameters = parametersOf(path, mark < 0 ? '' : text.slice(mark + 1));
  const made = await make(path, parameters);
  if (typeof made !== 'object' || made === null)
    throw new ProviderModuleError(path, `it gives ${String(made)}, not a provider`);
  const lacks = (verbs: readonly string[]): readonly string[] =>
    verbs.filter((verb) => typeof (made as Readonly<Record<string, unknown>>)[verb] !== 'function');
  const missing = lacks(OBJECT_VERBS);
  if (missing.length > 0) throw new ProviderModuleError(path, `it lacks ${missing.join(', ')}`);
  const missingOfLog = lacks(LOG_VERBS);
  if (missingOfLog.length > 0 && missingOfLog.length < LOG_VERBS.length)
    throw new ProviderModuleError(
      path,
      `it keeps a log and lacks ${missingOfLog.join(', ')}; add them, or leave all verbs of the log out to be a replica only`,
    );
  const keepsLog = missingOfLog.length === 0;
  if (keepsLog && !(Symbol.asyncDispose in made))
    throw new ProviderModuleError(path, 'it lacks [Symbol.asyncDispose]');
  const provider = keepsLog
    ? (made as LogPersistenceProvider)
    : new ObjectReplica(new CheckedProvider(made as PersistenceProvider, clock));
  return { provider, instances: instancesOf(path, provider), location: `module:${path}`, keepsLog };
}

/** What they mean is for the provider to say; only keys are for nobody, as process lists show them. */
function parametersOf(path: string, query: string): Readonly<Record<string, string>> {
  const parameters = Object.fromEntries(new URLSearchParams(query));
  const secret = Object.keys(parameters).find(
    (name) =>
      /secret|token|passw|credential|signature|(?:api|access|private)[-_]?key|^key$/i.test(name) &&
      !/(?:file|path|folder|dir|env|name)$/i.test(name),
  );
  if (secret === undefined) return parameters;
  throw new ProviderModuleError(
    path,
    `its URL holds the parameter ${secret}; keys never stand in a URL, which process lists and logs show: have the provider read it from its environment or from a file that ${secret}File=PATH names`,
  );
}

async function make(path: string, parameters: Readonly<Record<string, string>>): Promise<unknown> {
  if (!existsSync(path)) throw new ProviderModuleError(path, 'there is no such file');
  offerOwnPackage();
  try {
    const module = (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>;
    const { createProvider } = module;
    if (typeof createProvider === 'function') return await createProvider(parameters);
    if (module['default'] !== undefined) return module['default'];
  } catch (error) {
    throw new ProviderModuleError(path, `it fails: ${textOf(error)}`, { cause: error });
  }
  throw new ProviderModuleError(
    path,
    'it exports neither createProvider(options) nor a provider as default',
  );
}

function instancesOf(path: string, provider: PersistenceProvider): readonly string[] {
  const names = namesFrom(path, provider);
  if (names.length === 0) throw new ProviderModuleError(path, 'instances() gives none');
  for (const name of names) {
    if (typeof name !== 'string' || !/^[a-z0-9]+-[0-9a-f]{6,64}$/.test(name))
      throw new ProviderModuleError(
        path,
        'instances() must give names as in files-3f2a9c01: letters or digits, a dash, and a hash of the configuration in hexadecimal digits',
      );
  }
  if (new Set(names).size < names.length)
    throw new ProviderModuleError(path, `instances() gives a name twice: ${names.join(', ')}`);
  return names as readonly string[];
}

function namesFrom(path: string, provider: PersistenceProvider): readonly unknown[] {
  let names: unknown;
  try {
    names = provider.instances();
  } catch (error) {
    throw new ProviderModuleError(path, `instances() fails: ${textOf(error)}`, { cause: error });
  }
  if (Array.isArray(names)) return names;
  throw new ProviderModuleError(path, 'instances() must give an array of names at once');
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
