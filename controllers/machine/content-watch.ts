// Remembers which machines are made of something that changed, until they have it. What is forgotten with this process is found again:
// by the Artifacts that are there when it starts, and by the look for drift.
import type { HostArtifacts } from '../binaries/host-artifact.ts';
import { knownContent } from './machine-content.ts';
import type { MachineContent } from './machine-content.ts';
import type { Machine } from './types.ts';

export class ContentWatch {
  readonly #artifacts: HostArtifacts;
  readonly #due = new Set<string>();

  constructor(artifacts: HostArtifacts) {
    this.#artifacts = artifacts;
  }

  /** @param key of a machine: somebody changed what it is made of, perhaps */
  note(key: string): void {
    this.#due.add(key);
  }

  forget(key: string): void {
    this.#due.delete(key);
  }

  /**
   * What its Artifacts and local files hold, where that is neither what it was last brought nor what is being brought; asks no host.
   *
   * @param isDriftDue look, whether or not somebody noted it
   */
  async changeOf(
    key: string,
    machine: Machine,
    isDriftDue: boolean,
    signal: AbortSignal,
  ): Promise<MachineContent | undefined> {
    const { spec, status = {} } = machine;
    if (!isDriftDue && !this.#due.has(key)) return undefined;
    // It is looked at again when it is to work.
    if (spec.powerState === 'Stopped' || status.isHeldStopped === true) return undefined;
    const { run, contentHash = '' } = status;
    // It is about to find out by itself.
    if (run !== undefined && run.goalHash === undefined) return undefined;
    const found = await knownContent(this.#artifacts, machine, signal);
    if (found === undefined) return undefined;
    if (found.hash === (run === undefined ? contentHash : (run.contentHash ?? ''))) {
      this.#due.delete(key);
      return undefined;
    }
    this.#due.add(key);
    return found;
  }
}
