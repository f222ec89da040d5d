// Nodes as processes of this machine, each with a folder that says what it is. They outlive the controllers.
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import { ProviderUnavailable, SkipAction } from '../errors.ts';
import { NameTaken } from '../infra-driver.ts';
import type { FoundNode, InfraDriver } from '../infra-driver.ts';
import { LABELS } from '../label-scheme.ts';
import type { Labels } from '../label-scheme.ts';
import type { ClusterIdentity, NodeRequest, NodeResult } from '../provider.ts';
import { commandFor, folderName, localSettings } from './local-settings.ts';
import type { LocalSettings } from './local-settings.ts';
import { isRunning, startProcess, stopProcess, wasStarted } from './node-process.ts';
import type { ProcessSpec } from './node-process.ts';

export interface LocalDriverOptions {
  readonly settings: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly ids: IdSource;
}

/** What node.json holds. */
interface NodeRecord extends ProcessSpec {
  readonly labels: Labels;
}

/** Folders that begin so are being made or removed, and are no nodes. */
const HIDDEN = '.';

export class LocalDriver implements InfraDriver {
  readonly name = 'local';
  readonly isAvailable = true;
  readonly readyState = 'running';
  readonly stoppedStates = ['stopped'];
  readonly capabilities = ['createNodes', 'deleteNodes', 'power'] as const;
  readonly #settings: LocalSettings;
  readonly #raw: Readonly<Record<string, string>>;
  readonly #clock: Clock;
  readonly #ids: IdSource;

  /** @throws InvalidRequest for settings */
  constructor({ settings, clock, ids }: LocalDriverOptions) {
    this.#settings = localSettings(settings);
    this.#raw = settings;
    this.#clock = clock;
    this.#ids = ids;
  }

  async list(filter: Labels, signal: AbortSignal): Promise<readonly FoundNode[]> {
    signal.throwIfAborted();
    const names = (await this.#names()).filter((name) => !name.startsWith(HIDDEN));
    const found = await Promise.all(names.map((name) => this.#find(name)));
    signal.throwIfAborted();
    return found.flatMap((node) =>
      node !== undefined && hasAll(node.labels, filter) ? [node] : [],
    );
  }

  prepare(
    _cluster: ClusterIdentity,
    nodes: readonly NodeRequest[],
    signal: AbortSignal,
  ): Promise<void> {
    for (const node of nodes) commandFor(node, this.#of(node));
    for (const node of nodes) folderName(node);
    signal.throwIfAborted();
    return Promise.resolve();
  }

  async create(
    _cluster: ClusterIdentity,
    node: NodeRequest,
    labels: Labels,
    signal: AbortSignal,
  ): Promise<void> {
    const folder = this.#folder(folderName(node));
    const record: NodeRecord = { ...this.#specOf(node), labels };
    const hidden = this.#hidden(node.name);
    await mkdir(join(hidden, 'data'), { recursive: true, mode: 0o700 });
    try {
      await writeDurably(join(hidden, 'node.json'), textOf(record));
      await rename(hidden, folder);
    } catch (error) {
      await rm(hidden, { recursive: true, force: true });
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOTDIR') throw error;
      const present = await recordOf(folder);
      throw new NameTaken(`${folder} is there`, present?.labels ?? {});
    }
    await startProcess(folder, record, this.#clock, signal);
  }

  /** What it runs is what was asked for last, from its next start on. */
  async finish(node: FoundNode, request: NodeRequest, signal: AbortSignal): Promise<void> {
    const isChanged = await this.#changeRecord(node, request);
    if (!(await wasStarted(this.#folder(node.name)))) await this.start(node, signal);
    else if (!isChanged) throw new SkipAction('it was started');
  }

  async start(node: FoundNode, signal: AbortSignal): Promise<void> {
    const folder = this.#folder(node.name);
    const record = await recordOf(folder);
    if (record === undefined) throw new Error(`${folder} is gone`);
    await startProcess(folder, record, this.#clock, signal);
  }

  async stop(node: FoundNode, signal: AbortSignal): Promise<void> {
    await stopProcess(this.#folder(node.name), this.#settings.stopGraceMs, this.#clock, signal);
  }

  async remove(node: FoundNode, signal: AbortSignal): Promise<void> {
    const folder = this.#folder(node.name);
    await stopProcess(folder, this.#settings.stopGraceMs, this.#clock, signal);
    const hidden = this.#hidden(node.name);
    try {
      await rename(folder, hidden);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    await rm(hidden, { recursive: true, force: true });
  }

  /** What a crash left of nodes that were being made or removed. */
  async removeResources(
    cluster: ClusterIdentity,
    signal: AbortSignal,
  ): Promise<readonly NodeResult[]> {
    for (const name of await this.#names()) {
      signal.throwIfAborted();
      if (!name.startsWith(HIDDEN)) continue;
      const labels = (await recordOf(this.#folder(name)))?.labels ?? {};
      if (labels[LABELS.cluster] === cluster.name && labels[LABELS.clusterUID] === cluster.uid)
        await rm(this.#folder(name), { recursive: true, force: true });
    }
    return [];
  }

  async checkCredentials(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#names();
  }

  /** @returns whether it differed */
  async #changeRecord({ name }: FoundNode, request: NodeRequest): Promise<boolean> {
    const folder = this.#folder(name);
    const present = await recordOf(folder);
    if (present === undefined) throw new Error(`${folder} is gone`);
    const record: NodeRecord = { ...this.#specOf(request), labels: present.labels };
    if (textOf(record) === textOf(present)) return false;
    const fresh = join(folder, `node.json.${this.#ids.hex(12)}`);
    await writeDurably(fresh, textOf(record));
    await rename(fresh, join(folder, 'node.json'));
    return true;
  }

  #specOf(node: NodeRequest): ProcessSpec {
    return {
      command: commandFor(node, this.#of(node)),
      environment: { ...node.environment, WINDLASS_NODE_NAME: node.name },
    };
  }

  #of(node: NodeRequest): LocalSettings {
    return localSettings({ ...this.#raw, ...node.settings });
  }

  #folder(name: string): string {
    return join(this.#settings.stateDirectory, name);
  }

  #hidden(name: string): string {
    return this.#folder(`${HIDDEN}${name}.${this.#ids.hex(12)}`);
  }

  async #find(name: string): Promise<FoundNode | undefined> {
    const record = await recordOf(this.#folder(name));
    if (record === undefined) return undefined;
    const state = (await isRunning(this.#folder(name))) ? 'running' : 'stopped';
    return { id: name, name, labels: record.labels, state, addresses: ['127.0.0.1'] };
  }

  async #names(): Promise<readonly string[]> {
    const { stateDirectory } = this.#settings;
    try {
      return await readdir(stateDirectory);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return [];
      throw new ProviderUnavailable('local', `settings.stateDirectory: ${message}`, error);
    }
  }
}

function hasAll(labels: Labels, filter: Labels): boolean {
  return Object.entries(filter).every(([key, value]) =>
    value === '' ? labels[key] !== undefined : labels[key] === value,
  );
}

/** Undefined for what no controller of ours wrote. */
async function recordOf(folder: string): Promise<NodeRecord | undefined> {
  try {
    const parsed: unknown = JSON.parse(await readFile(join(folder, 'node.json'), 'utf8'));
    return isRecord(parsed) ? parsed : undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The same for the same record. */
function textOf({ labels, command, environment }: NodeRecord): string {
  return JSON.stringify({ labels, command, environment });
}

function isRecord(value: unknown): value is NodeRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { labels, command, environment } = value as Partial<Record<keyof NodeRecord, unknown>>;
  return (
    isTextMap(labels) &&
    isTextMap(environment) &&
    Array.isArray(command) &&
    command.every((part) => typeof part === 'string')
  );
}

function isTextMap(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((entry) => typeof entry === 'string')
  );
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
