// One reconciliation of a Machine that its distribution drives instead of the Machine controller.
import { isNotFound } from '../machinery/request-error.ts';
import { MACHINES } from '../machinery/resources.ts';
import { MEMBER_FINALIZER } from './member-options.ts';
import type { Again, MemberOptions } from './member-options.ts';
import { MemberRun } from './member-run.ts';
import type { Cluster, Machine } from './types.ts';

export class MemberReconciler {
  readonly #options: MemberOptions;

  constructor(options: MemberOptions) {
    this.#options = options;
  }

  async reconcile(
    stale: Machine,
    cluster: Cluster | undefined,
    peers: readonly Machine[],
    signal: AbortSignal,
  ): Promise<Again> {
    const { client } = this.#options;
    const { name, namespace = '', uid } = stale.metadata;
    let machine: Machine;
    try {
      // A cache that is late would act on a permit that was taken away.
      machine = await client.get<Machine>(MACHINES, namespace, name, signal);
    } catch (error) {
      if (isNotFound(error)) return 'later';
      throw error;
    }
    if (machine.metadata.uid !== uid || machine.spec['paused'] === true) return 'later';
    const isGoing = machine.metadata.deletionTimestamp !== undefined;
    const finalizers = machine.metadata.finalizers ?? [];
    if (isGoing && !finalizers.includes(MEMBER_FINALIZER)) return 'later';
    if (!isGoing && !finalizers.includes(MEMBER_FINALIZER)) {
      const metadata = {
        resourceVersion: machine.metadata.resourceVersion,
        finalizers: [...finalizers, MEMBER_FINALIZER],
      };
      machine = await client.patch<Machine>(
        MACHINES,
        namespace,
        name,
        '',
        'merge',
        { metadata },
        signal,
      );
    }
    // Without its Cluster nobody knows how it is reached: one that goes is let go.
    if (cluster === undefined) {
      if (isGoing) await this.#release(machine, signal);
      return 'soon';
    }
    const run = new MemberRun(machine, cluster, peers, this.#options);
    return isGoing ? run.remove(signal) : run.bring(signal);
  }

  async #release({ metadata }: Machine, signal: AbortSignal): Promise<void> {
    const { name, namespace = '', finalizers = [] } = metadata;
    const patch = {
      metadata: { finalizers: finalizers.filter((one) => one !== MEMBER_FINALIZER) },
    };
    await this.#options.client.patch(MACHINES, namespace, name, '', 'merge', patch, signal);
  }
}
