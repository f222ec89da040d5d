// From `--persistence` URLs to a log, by an explicit table: nothing registers itself.
import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { Clock } from '#platform/clock.ts';
import { directoryIdentity } from './directory-identity.ts';
import type { MachineId } from './machine-id.ts';
import type { PersistenceLog } from './log.ts';
import { loadProvider } from './module/load-provider.ts';
import { PersistenceManager } from './manager/manager.ts';
import type { AckPolicy, SyncLossPolicy } from './manager/claim.ts';
import { FileClaimBook, MemoryClaimBook } from './manager/claim-book.ts';
import type { ManagedInstance } from './manager/instance.ts';
import { adviceOn, mountOf } from './nfs/mount.ts';
import { NfsPersistenceProvider, nfsInstanceName } from './nfs/provider.ts';
import { remoteFileSystem } from './remote-file-system.ts';
import { S3PersistenceProvider } from './s3/provider.ts';
import { shownUrl } from './shown-url.ts';
import {
  describeS3Location,
  parseS3Url,
  redactS3Url,
  s3InstanceName,
  S3UrlError,
} from './s3/url.ts';
import { SqlitePersistenceProvider, sqliteInstanceName } from './sqlite/provider.ts';

/** A disk that is slower than this hangs: its thread cannot be interrupted, but nobody waits for it without end. */
const SQLITE_ANSWER_MS = 15_000;
const MODULE_ANSWER_MS = 60_000;
/** Opening takes as long as it takes; after this long it is said. */
const OPENING_MS = 10_000;

/** The URL is wrong, or means something that cannot be done; the message names the flag. */
export class PersistenceUrlError extends Error {
  constructor(url: string, why: string, options?: ErrorOptions) {
    super(`Invalid --persistence ${url}: ${why}`, options);
    this.name = 'PersistenceUrlError';
  }
}

/** How instances go together. */
export interface ReplicationOptions {
  /** What acknowledges a write; `primary` by default. */
  readonly ack?: AckPolicy;
  /** What happens when an instance that counts for it is lost; `block` by default. */
  readonly onSyncLoss?: SyncLossPolicy;
  /** Go on although acknowledged writes may be missing. */
  readonly acceptPossibleLoss?: boolean;
  /** Go on at once although another control plane holds the data, or another copy of this data directory has claimed it. */
  readonly takeover?: boolean;
}

export interface PersistenceOptions extends ReplicationOptions {
  /** The first that can be used is the primary. */
  readonly urls: readonly string[];
  readonly machineId: MachineId;
  /** Where it lies that this machine has claimed the data, and how often; nowhere by default. */
  readonly dataDir?: string;
  readonly clock: Clock;
  /** Called with what the operator should know about a place, in a sentence. */
  readonly warn?: (message: string) => void;
}

type Opener = (
  url: string,
  rest: string,
  options: Omit<PersistenceOptions, 'urls'>,
) => Promise<ManagedInstance | readonly ManagedInstance[]>;

const SCHEMES: ReadonlyMap<string, Opener> = new Map<string, Opener>([
  ['sqlite', openSqlite],
  ['nfs', openNfs],
  ['s3', openS3],
  ['module', openModule],
]);

/**
 * The log over what the URLs say, to be opened and, when done, disposed. An instance that cannot be used is Down and says why
 * when the log is opened.
 *
 * @param signal ends the wait for places that do not answer
 * @throws PersistenceUrlError, the signal's reason
 */
export async function openPersistence(
  options: PersistenceOptions,
  signal: AbortSignal = new AbortController().signal,
): Promise<PersistenceLog> {
  const { urls, dataDir } = options;
  if (urls.length === 0) throw new PersistenceUrlError('""', 'at least one is needed');
  const home = dataDir === undefined ? undefined : await directoryIdentity(dataDir);
  const instances: ManagedInstance[] = [];
  try {
    for (const url of urls) {
      instances.push(...(await prepare(url, options)));
      if (new Set(instances.map(({ name }) => name)).size < instances.length)
        throw new PersistenceUrlError(
          shownUrl(url),
          'it is given twice; each instance needs its own place',
        );
    }
    if (instances[0]?.keepsLog !== true) {
      throw new PersistenceUrlError(
        shownUrl(urls[0] ?? ''),
        'its provider keeps objects without a log, and so cannot be the primary: put another one first',
      );
    }
    // Nobody waits for the others, not even here: they are initialized when they begin to follow.
    const logs = new Map(
      instances.filter(({ keepsLog }) => keepsLog).map((instance) => [instance.provider, instance]),
    );
    await Promise.all([...logs.values()].map((instance) => initialized(instance, options, signal)));
  } catch (error) {
    const providers = new Set(instances.map(({ provider }) => provider));
    await Promise.all([...providers].map((provider) => provider[Symbol.asyncDispose]()));
    throw error;
  }
  return new PersistenceManager({
    instances,
    machineId: options.machineId,
    ...(home === undefined ? {} : { home }),
    host: hostname(),
    book: dataDir === undefined ? new MemoryClaimBook() : new FileClaimBook(dataDir),
    rules: { ack: options.ack ?? 'primary', onSyncLoss: options.onSyncLoss ?? 'block' },
    acceptPossibleLoss: options.acceptPossibleLoss ?? false,
    takeover: options.takeover ?? false,
    clock: options.clock,
    warn: options.warn ?? (() => undefined),
    random: () => randomInt(2 ** 32) / 2 ** 32,
    prepare: (url) => prepareOne(url, options),
  });
}

/** A large file whose server was killed is read as a whole, which is no reason to give it up. */
async function initialized(
  { provider, location }: ManagedInstance,
  { machineId, clock, warn }: PersistenceOptions,
  signal: AbortSignal,
): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  const cancel = clock.schedule(OPENING_MS, () =>
    warn?.(
      `${location} is being opened for ${OPENING_MS / 1_000} s: it is large and its server was killed, or its disk does not answer; waiting for it`,
    ),
  );
  try {
    await Promise.race([provider.initialize(machineId), aborted.promise]);
  } finally {
    cancel();
    signal.removeEventListener('abort', abort);
  }
}

/**
 * What the instance of a URL is called, and where it lies, without secrets; nothing is opened.
 *
 * @throws PersistenceUrlError
 */
export async function describeInstance(
  url: string,
  options: Omit<PersistenceOptions, 'urls'>,
): Promise<Pick<ManagedInstance, 'name' | 'location'>> {
  const { provider, name, location } = await prepareOne(url, options);
  await provider[Symbol.asyncDispose]();
  return { name, location };
}

/**
 * One instance by itself, to be initialized and, when done, disposed; nothing is claimed.
 *
 * @throws PersistenceUrlError
 */
export async function openInstance(
  url: string,
  options: Omit<PersistenceOptions, 'urls'>,
): Promise<ManagedInstance> {
  const instance = await prepareOne(url, options);
  if (!instance.keepsLog) {
    await instance.provider[Symbol.asyncDispose]();
    throw new PersistenceUrlError(
      shownUrl(url),
      'its provider keeps objects without a log, and so can only be a replica of a running server',
    );
  }
  await instance.provider.initialize(options.machineId);
  return instance;
}

/** Where one is asked for: a module may have several. */
async function prepareOne(
  url: string,
  options: Omit<PersistenceOptions, 'urls'>,
): Promise<ManagedInstance> {
  const [instance, ...others] = await prepare(url, options);
  if (instance !== undefined && others.length === 0) return instance;
  await instance?.provider[Symbol.asyncDispose]();
  throw new PersistenceUrlError(
    shownUrl(url),
    `its provider has ${others.length + 1} instances where one is wanted; give it a parameter that says which`,
  );
}

/** One, but for modules that have several. */
async function prepare(
  url: string,
  options: Omit<PersistenceOptions, 'urls'>,
): Promise<readonly ManagedInstance[]> {
  const colon = url.indexOf(':');
  const open = SCHEMES.get(url.slice(0, Math.max(0, colon)));
  if (open === undefined) {
    throw new PersistenceUrlError(
      shownUrl(url),
      `it must start with ${[...SCHEMES.keys()].join(':, ')}:`,
    );
  }
  return [await open(url, url.slice(colon + 1), options)].flat();
}

async function openSqlite(
  url: string,
  path: string,
  options: Omit<PersistenceOptions, 'urls'>,
): Promise<ManagedInstance> {
  if (path === '' || path.includes('\0')) {
    throw new PersistenceUrlError(
      url,
      'a path must follow, as in sqlite:/var/lib/windlass/state.db',
    );
  }
  const remote = await remoteFileSystem(dirname(resolve(path))).catch((error: unknown) => {
    const why = (error as Error).message;
    throw new PersistenceUrlError(url, `its folder cannot be used: ${why}`, { cause: error });
  });
  if (remote !== undefined) {
    throw new PersistenceUrlError(
      url,
      `the path is on ${remote}, where SQLite's locks cannot be trusted; choose a local disk, or nfs:PATH for a network file system`,
    );
  }
  const provider = new SqlitePersistenceProvider({ paths: [path], clock: options.clock });
  return {
    provider,
    name: sqliteInstanceName(path),
    providerName: 'sqlite',
    location: `sqlite:${resolve(path)}`,
    keepsLog: true,
    answerMs: SQLITE_ANSWER_MS,
  };
}

async function openNfs(
  url: string,
  path: string,
  options: Omit<PersistenceOptions, 'urls'>,
): Promise<ManagedInstance> {
  if (path === '' || path.includes('\0')) {
    throw new PersistenceUrlError(url, 'a path must follow, as in nfs:/mnt/state/windlass');
  }
  // From the table of mounts: asking the path itself could hang.
  const mounts = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  for (const advice of adviceOn(resolve(path), mountOf(resolve(path), mounts))) {
    options.warn?.(advice);
  }
  const provider = new NfsPersistenceProvider({ paths: [path], clock: options.clock });
  return {
    provider,
    name: nfsInstanceName(path),
    providerName: 'nfs',
    location: `nfs:${resolve(path)}`,
    keepsLog: true,
  };
}

async function openS3(
  url: string,
  _rest: string,
  options: Omit<PersistenceOptions, 'urls'>,
): Promise<ManagedInstance> {
  try {
    const where = parseS3Url(url);
    const provider = new S3PersistenceProvider({ urls: [url], clock: options.clock });
    const location = describeS3Location(where);
    return { provider, name: s3InstanceName(where), providerName: 's3', location, keepsLog: true };
  } catch (error) {
    if (error instanceof S3UrlError) throw new PersistenceUrlError(redactS3Url(url), error.message);
    throw error;
  }
}

async function openModule(
  url: string,
  text: string,
  { clock }: Omit<PersistenceOptions, 'urls'>,
): Promise<readonly ManagedInstance[]> {
  const { instances, ...loaded } = await loadProvider(text, clock).catch((error: unknown) => {
    throw new PersistenceUrlError(shownUrl(url), (error as Error).message, { cause: error });
  });
  // Of one that keeps objects only each call has a limit of its own.
  const limit = loaded.keepsLog ? { answerMs: MODULE_ANSWER_MS } : {};
  const shared = { ...loaded, ...limit, providerName: 'module' };
  return instances.map((name) => ({ ...shared, name }));
}
