// One instance opened by a command, with no server around it. Nothing is claimed, so that whoever holds it goes on.
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { Clock } from '#platform/clock.ts';
import { ForeignDataError } from '../errors.ts';
import { parseMachineId } from '../machine-id.ts';
import type { MachineId } from '../machine-id.ts';
import { refuseFilled } from './not-empty-error.ts';
import { openInstance } from '../open.ts';
import type { LogDump } from '../provider.ts';
import { recordsThrough } from '../records-through.ts';
import { refuseUnfinished } from '../unfinished.ts';

type Opened = Awaited<ReturnType<typeof openInstance>>;

export class OfflineInstance implements AsyncDisposable {
  readonly instance: Opened;

  private constructor(instance: Opened) {
    this.instance = instance;
  }

  /** For reading: what is not there is not made. @throws ForeignDataError, PersistenceUrlError */
  static async openExisting(url: string, clock: Clock): Promise<OfflineInstance> {
    await refuseMissing(url);
    return OfflineInstance.open(url, clock);
  }

  /** @throws PersistenceUrlError; what keeps the instance from being opened is thrown when it is used */
  static async open(url: string, clock: Clock): Promise<OfflineInstance> {
    // Nobody's: it claims nothing but for a restore, whose machine is over with it.
    const machineId = parseMachineId(randomBytes(16).toString('hex')) as MachineId;
    const instance = await openInstance(url, { machineId, clock });
    await instance.provider.initialize(machineId);
    return new OfflineInstance(instance);
  }

  get location(): string {
    return this.instance.location;
  }

  /** @throws NotEmptyError, and what keeps it from being used */
  async refuseFilled(): Promise<void> {
    await refuseFilled(this.instance);
  }

  /**
   * Consistent: nobody writes or compacts but the holder, which stands still or is at another revision later.
   *
   * @throws ForeignDataError for a place that was not filled to the end
   */
  async dump(signal: AbortSignal): Promise<LogDump> {
    const { provider, name } = this.instance;
    const cursor = await provider.cursor(name);
    await refuseUnfinished(this.instance, cursor);
    const { epoch, revision, compacted } = cursor;
    const records = recordsThrough(provider.replay(name, signal), revision);
    return { epoch, revision, compacted, records };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.instance.provider[Symbol.asyncDispose]();
  }
}

async function refuseMissing(url: string): Promise<void> {
  const path = /^(?:sqlite|nfs):(.+)$/s.exec(url)?.[1];
  if (path === undefined) return;
  try {
    await stat(path);
  } catch (error) {
    throw new ForeignDataError(
      `Cannot read ${url}: ${(error as NodeJS.ErrnoException).code ?? String(error)}; there is no such place`,
      { cause: error },
    );
  }
}
