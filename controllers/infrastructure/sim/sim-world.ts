// Infrastructure that is only in memory: what a real one would hold, with faults to choose. For tests and for trying out controllers.
import { NodeTimeout, SkipAction } from '../errors.ts';
import { NameTaken } from '../infra-driver.ts';
import type { FoundNode, InfraDriver } from '../infra-driver.ts';
import { isResourceOf, resourceLabels } from '../label-scheme.ts';
import type { Labels } from '../label-scheme.ts';
import type { ClusterIdentity, NodeRequest, NodeResult } from '../provider.ts';

/** `hang`: never ends by itself. An Error: the call fails with it. `lost`: it is done, and the answer does not arrive. */
export type SimFault = 'hang' | 'lost' | Error;

interface SimNode extends FoundNode {
  state: string;
}

export interface SimResource {
  readonly kind: NodeResult['kind'];
  readonly name: string;
  readonly labels: Labels;
}

export type SimAction = 'list' | 'create' | 'start' | 'stop' | 'remove' | 'removeResource';

export class SimWorld implements InfraDriver {
  readonly name = 'sim';
  readonly isAvailable = true;
  readonly readyState = 'running';
  readonly stoppedStates = ['stopped'];
  readonly capabilities = ['createNodes', 'deleteNodes', 'power', 'networks', 'foreign'] as const;
  readonly nodes = new Map<string, SimNode>();
  readonly resources = new Map<string, SimResource>();
  /** What was done to what, in order: `start a-1`. Lists are not in it. */
  readonly actions: string[] = [];
  /** Asked before each action. */
  fault: (action: SimAction, name: string) => SimFault | undefined = () => undefined;
  #number = 0;

  /** Puts a node there as if somebody else had. */
  add(name: string, labels: Labels, state = 'running'): void {
    this.#number += 1;
    this.nodes.set(name, { id: `sim-${this.#number}`, name, labels, state, addresses: [] });
  }

  async list(filter: Labels, signal: AbortSignal): Promise<readonly FoundNode[]> {
    await this.#meet('list', '', signal);
    return [...this.nodes.values()]
      .filter(({ labels }) =>
        Object.entries(filter).every(([key, value]) =>
          value === '' ? labels[key] !== undefined : labels[key] === value,
        ),
      )
      .map((node) => ({ ...node }));
  }

  prepare(cluster: ClusterIdentity): Promise<void> {
    const name = `${cluster.name}-network`;
    if (!this.resources.has(name))
      this.resources.set(name, {
        kind: 'network',
        name,
        labels: resourceLabels(cluster, 'network'),
      });
    return Promise.resolve();
  }

  create(
    _cluster: ClusterIdentity,
    node: NodeRequest,
    labels: Labels,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#do('create', node.name, signal, () => {
      const present = this.nodes.get(node.name);
      if (present !== undefined) throw new NameTaken(`${node.name} is there`, present.labels);
      this.add(node.name, labels);
    });
  }

  finish(): Promise<void> {
    return Promise.reject(new SkipAction('it is there'));
  }

  start(node: FoundNode, signal: AbortSignal): Promise<void> {
    return this.#do('start', node.name, signal, () => this.#set(node, 'running'));
  }

  stop(node: FoundNode, signal: AbortSignal): Promise<void> {
    return this.#do('stop', node.name, signal, () => this.#set(node, 'stopped'));
  }

  remove(node: FoundNode, signal: AbortSignal): Promise<void> {
    return this.#do('remove', node.name, signal, () => void this.nodes.delete(node.name));
  }

  async removeResources(
    cluster: ClusterIdentity,
    signal: AbortSignal,
  ): Promise<readonly NodeResult[]> {
    const results: NodeResult[] = [];
    for (const { kind, name, labels } of this.resources.values()) {
      if (!isResourceOf(labels, cluster, kind)) continue;
      try {
        await this.#do('removeResource', name, signal, () => void this.resources.delete(name));
        results.push({ kind, name, outcome: 'done' });
      } catch (error) {
        signal.throwIfAborted();
        results.push({ kind, name, outcome: 'failed', error: error as Error });
      }
    }
    return results;
  }

  checkCredentials(): Promise<void> {
    return Promise.resolve();
  }

  #set(node: FoundNode, state: string): void {
    const present = this.nodes.get(node.name);
    if (present !== undefined) present.state = state;
  }

  async #do(action: SimAction, name: string, signal: AbortSignal, act: () => void): Promise<void> {
    const fault = await this.#meet(action, name, signal);
    this.actions.push(`${action} ${name}`);
    act();
    if (fault === 'lost') throw new NodeTimeout(name, 0);
  }

  async #meet(action: SimAction, name: string, signal: AbortSignal): Promise<SimFault | undefined> {
    signal.throwIfAborted();
    const fault = this.fault(action, name);
    if (fault instanceof Error) throw fault;
    if (fault !== 'hang') return fault;
    const { promise, reject } = Promise.withResolvers<never>();
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    return promise;
  }
}
