// One Machine on the server, as the one who works on it sees it: what was written last is what the next write builds on.
import type { Clock } from '#platform/clock.ts';
import type { Client } from '../machinery/client-types.ts';
import { MACHINES } from '../machinery/resources.ts';
import { timestamp } from '../machinery/timestamps.ts';
import { withConditions } from './machine-conditions.ts';
import type { MachineFacts } from './machine-conditions.ts';
import { mergePatch } from './merge-patch.ts';
import { MACHINE_FINALIZER } from './types.ts';
import type { Machine, MachineStatus } from './types.ts';

export class MachineStore {
  readonly #client: Client;
  readonly #clock: Clock;
  #machine: Machine;

  constructor(client: Client, clock: Clock, machine: Machine) {
    this.#client = client;
    this.#clock = clock;
    this.#machine = machine;
  }

  get machine(): Machine {
    return this.#machine;
  }

  /** Nothing is written where nothing changed. @throws a Conflict when somebody else wrote meanwhile */
  async save(status: MachineStatus, facts: MachineFacts, signal: AbortSignal): Promise<void> {
    const machine = this.#machine;
    const now = timestamp(this.#clock.now());
    const next = withConditions(machine, status, facts, now);
    const patch = mergePatch(machine.status ?? {}, next);
    if (Object.keys(patch).length === 0) return;
    const { namespace = '', name, resourceVersion } = machine.metadata;
    const body = { metadata: { resourceVersion }, status: patch };
    this.#machine = await this.#client.patch<Machine>(
      MACHINES,
      namespace,
      name,
      'status',
      'merge',
      body,
      signal,
    );
  }

  async setFinalizer(isWanted: boolean, signal: AbortSignal): Promise<void> {
    const { namespace = '', name, resourceVersion, finalizers = [] } = this.#machine.metadata;
    if (finalizers.includes(MACHINE_FINALIZER) === isWanted) return;
    const others = finalizers.filter((finalizer) => finalizer !== MACHINE_FINALIZER);
    const next = isWanted ? [...others, MACHINE_FINALIZER] : others;
    const patch = { metadata: { resourceVersion, finalizers: next } };
    this.#machine = await this.#client.patch<Machine>(
      MACHINES,
      namespace,
      name,
      '',
      'merge',
      patch,
      signal,
    );
  }
}
