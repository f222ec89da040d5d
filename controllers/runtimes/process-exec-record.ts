// Which interactive commands are under way, on disk: when the agent dies, the next one ends what nobody waits for any more. A file
// for each, named by its id; there is nothing in it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

export class ProcessExecRecords {
  readonly #directory: string;

  /** @param directory made when the first is written */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Synchronous on purpose: it is there before the command. */
  write(execID: string): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    writeFileSync(join(this.#directory, execID), '', { mode: 0o600 });
  }

  async remove(execID: string): Promise<void> {
    await rm(join(this.#directory, execID), { force: true });
  }

  async readAll(): Promise<readonly string[]> {
    const names = await readdir(this.#directory).catch((): string[] => []);
    return names.filter((name) => /^[0-9a-f]{32}$/.test(name));
  }
}
