// Instances that come while the log is open, and may go again: what `windlass migrate` copies to. Nobody waits for one, and a start
// knows nothing of it, until it has been made the primary.
import type { MachineId } from '../machine-id.ts';
import { refuseUnfinished, unfinishedCopy } from '../unfinished.ts';
import type { Clock } from '#platform/clock.ts';
import { readClaims } from './claim.ts';
import type { Following } from './following.ts';
import type { Holding } from './holding.ts';
import { Deadline } from './inspect.ts';
import type { ManagedInstance } from './instance.ts';

const ANSWER_MS = 10_000;

export interface AttachingOptions {
  /** Those of the configuration. */
  readonly instances: readonly ManagedInstance[];
  readonly machineId: MachineId;
  readonly clock: Clock;
  readonly prepare?: (url: string) => Promise<ManagedInstance>;
  readonly following: () => Following;
  readonly holding: () => Holding;
}

export class Attaching {
  readonly #options: AttachingOptions;
  #attached: readonly ManagedInstance[] = [];

  constructor(options: AttachingOptions) {
    this.#options = options;
  }

  get instances(): readonly ManagedInstance[] {
    return this.#attached;
  }

  /** @throws Error that says what is wrong with the place */
  async attach(url: string): Promise<string> {
    const { instances, prepare, following, holding } = this.#options;
    if (prepare === undefined) throw new TypeError('This log cannot be added to');
    const instance = await prepare(url);
    const { name, location } = instance;
    try {
      const isThere = (): boolean => this.#attached.some((other) => other.name === name);
      if (isThere()) return await disposed(instance);
      if (instances.some((other) => other.name === name))
        throw new Error(
          `Cannot attach ${location}: it is an instance of this server already (${name}); ${following().primary.instance.name === name ? 'it is the primary' : 'windlass persistence promote makes it the primary'}`,
        );
      if (!instance.keepsLog)
        throw new Error(
          `Cannot attach ${location}: its provider keeps objects without a log, and so can never be the primary`,
        );
      await this.#check(instance);
      // Another one was faster.
      if (isThere()) return await disposed(instance);
    } catch (error) {
      await disposed(instance);
      throw error;
    }
    this.#attached = [...this.#attached, instance];
    holding().add(instance);
    following().add(instance);
    return name;
  }

  async detach(instance: ManagedInstance): Promise<void> {
    const { following, holding } = this.#options;
    const { name } = instance;
    if (!this.#attached.includes(instance))
      throw new Error(`Cannot detach ${name}: it is given with --persistence; start without it`);
    if (following().primary.instance === instance)
      throw new Error(`Cannot detach ${name}: it is the primary; first promote another one`);
    await following().remove(instance);
    this.#attached = this.#attached.filter((other) => other !== instance);
    await holding().remove(instance);
    await disposed(instance);
  }

  /** Claiming it would stop whoever else uses it, so that is looked at first. */
  async #check(instance: ManagedInstance): Promise<void> {
    const { machineId, clock, following } = this.#options;
    const { provider, name, location } = instance;
    const looking = async (): Promise<string | undefined> => {
      await provider.initialize(machineId);
      const cursor = await provider.cursor(name);
      if (cursor.revision === 0) return undefined;
      // Of a server that was killed: begun anew.
      const copy = await unfinishedCopy(instance, cursor);
      if (copy !== undefined) return copy.cluster;
      await refuseUnfinished(instance, cursor);
      return (await readClaims(provider, name)).at(-1)?.cluster ?? 'unknown';
    };
    const deadline = new Deadline(clock, ANSWER_MS, new AbortController().signal);
    const cluster = await deadline.bound(instance, looking());
    if (cluster === undefined || cluster === following().opened.claim.cluster) return;
    throw new Error(
      `Cannot attach ${location}: it holds data that is not of this cluster; give an empty place`,
    );
  }
}

async function disposed({ provider, name }: ManagedInstance): Promise<string> {
  await provider[Symbol.asyncDispose]();
  return name;
}
