// What the process runtime keeps on disk of each container, so that the next run of the agent knows all that the last one
// started: an intent before the spawn, the process after it, the exit at the end. It never holds the environment, which may
// carry Secrets. Files are replaced by rename; a kill of ours loses nothing then, and after a power cut the processes are gone too.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { jsonFields } from '#platform/json-fields.ts';
import type { ContainerIdentity, ExitedState } from './runtime.ts';

export interface ProcessRecord {
  /** 32 hex digits; also the value of the marker variable in the process. */
  readonly id: string;
  readonly identity: ContainerIdentity;
  readonly image: string;
  readonly bootID: string;
  readonly logFile: string;
  readonly workingDirectory: string;
  /** containerPort → port on 127.0.0.1 */
  readonly ports: readonly (readonly [number, number])[];
  readonly startedAt: number;
  /** Instead of SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
  readonly phase: 'starting' | 'running' | 'exited';
  /** Set from phase `running` on. The process leads its own group, so this is the group's id too. */
  readonly pid?: number;
  readonly startTime?: string;
  readonly exit?: ExitedState;
}

const SUFFIX = '.json';

/** The folder of the records, one file each. */
export class ProcessRecords {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** Synchronous on purpose: nothing of ours can run between a spawn and the note about it. */
  write(record: ProcessRecord): void {
    const path = this.#path(record.id);
    writeFileSync(`${path}.tmp`, JSON.stringify(record), { mode: 0o600 });
    renameSync(`${path}.tmp`, path);
  }

  async remove(id: string): Promise<void> {
    await rm(this.#path(id), { force: true });
  }

  /** All readable records, and the names of files that are none. */
  async readAll(): Promise<{ records: ProcessRecord[]; unreadable: string[] }> {
    const records: ProcessRecord[] = [];
    const unreadable: string[] = [];
    const names = await readdir(this.#directory);
    for (const name of names.filter((entry) => entry.endsWith(SUFFIX)).toSorted()) {
      const path = join(this.#directory, name);
      const record = parseRecord(await readFile(path, 'utf8'));
      if (record === undefined) unreadable.push(path);
      else records.push(record);
    }
    return { records, unreadable };
  }

  #path(id: string): string {
    return join(this.#directory, `${id}${SUFFIX}`);
  }
}

function parseRecord(text: string): ProcessRecord | undefined {
  const fields = jsonFields(text);
  if (fields === undefined) return undefined;
  const record = fields as Partial<ProcessRecord>;
  const complete =
    typeof record.id === 'string' &&
    /^[0-9a-f]{32}$/.test(record.id) &&
    typeof record.identity?.podUID === 'string' &&
    typeof record.identity.container === 'string' &&
    typeof record.identity.attempt === 'number' &&
    typeof record.logFile === 'string' &&
    typeof record.startedAt === 'number' &&
    Array.isArray(record.ports) &&
    (record.phase === 'starting' ||
      (record.phase === 'running' && typeof record.pid === 'number') ||
      (record.phase === 'exited' && typeof record.exit === 'object'));
  return complete ? (record as ProcessRecord) : undefined;
}
