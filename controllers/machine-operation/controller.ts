// Wires the machine-operation controller: what it watches, and which operations a change belongs to.
import type { IdSource } from '#platform/id.ts';
import { ProvidedHosts } from '../infra-provider/provided-host.ts';
import { keyOf, parseKey } from '../machinery/cache.ts';
import type { CacheView } from '../machinery/cache.ts';
import { Controller, DONE } from '../machinery/controller.ts';
import type { ReconcileResult } from '../machinery/controller.ts';
import type { EventRecorder } from '../machinery/events.ts';
import type { Manager } from '../machinery/manager.ts';
import { MACHINES } from '../machinery/resources.ts';
import type { CollectOptions } from './collect-logs.ts';
import { lookAt } from './look-at.ts';
import { isFinished, MACHINE_OPERATIONS } from './types.ts';
import type { MachineOperation } from './types.ts';

export interface MachineOperationOptions {
  /** Where machines of type Sim are; absent: their logs cannot be collected. */
  readonly fleet?: CollectOptions['fleet'];
  readonly ids: IdSource;
}

export function addMachineOperationController(
  manager: Manager,
  options: MachineOperationOptions,
): void {
  manager.add(new MachineOperationController(manager, options).loop);
}

class MachineOperationController {
  readonly loop: Controller;
  readonly #manager: Manager;
  readonly #options: MachineOperationOptions;
  readonly #operations: CacheView<MachineOperation>;
  readonly #events: EventRecorder;
  readonly #hosts: ProvidedHosts;

  constructor(manager: Manager, options: MachineOperationOptions) {
    this.#manager = manager;
    this.#options = options;
    const { client, clock, logger, metrics, random } = manager;
    this.#hosts = new ProvidedHosts(client, { clock, ids: options.ids, simWorlds: new Map() });
    const operations = manager.informer<MachineOperation>(MACHINE_OPERATIONS);
    this.#operations = operations.cache;
    this.#events = manager.recorder('windlass-machine-operation');
    this.loop = new Controller({
      name: 'machine-operation',
      reconcile: (key, signal) => this.#reconcile(key, signal),
      waitFor: [operations],
      concurrency: 8,
      clock,
      logger,
      metrics,
      random,
    });
    operations.onChange((change) => {
      this.loop.queue.add(keyOf(change.object));
      const wasBusy = change.type === 'Deleted' || isFinished(change.object);
      // Machines may have become free.
      if (wasBusy) this.#wakeOthers(change.object.metadata.namespace);
    });
    // Answers come sooner where somebody watches Machines anyway.
    const machines = manager.existingInformer(MACHINES);
    machines?.onChange(({ object }) => this.#wakeOthers(object.metadata.namespace));
  }

  #wakeOthers(namespace: string | undefined): void {
    for (const operation of this.#operations.list(namespace))
      if (!isFinished(operation)) this.loop.queue.add(keyOf(operation));
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { namespace, name } = parseKey(key);
    const cached = this.#operations.get(namespace, name);
    if (cached === undefined) return DONE;
    const { client, clock } = this.#manager;
    const events = this.#events;
    const hosts = this.#hosts;
    const context = { client, clock, events, hosts, ...this.#options, signal };
    return lookAt(cached, context);
  }
}
