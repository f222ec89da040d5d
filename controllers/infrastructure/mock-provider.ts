// A provider for tests of whoever uses one: it writes down every call and answers what the test told it to.
import type {
  Capability,
  ClusterIdentity,
  ClusterReference,
  ClusterStatus,
  NodeChoice,
  NodeInfo,
  NodeRequest,
  NodeResult,
  Provider,
} from './provider.ts';

export type ProviderMethod = Exclude<keyof Provider, 'name' | 'readyState' | 'capabilities'>;

/** One call, with its arguments but the signal. */
export interface MockCall {
  readonly method: ProviderMethod;
  readonly args: readonly unknown[];
}

type Result<M extends ProviderMethod> = Awaited<ReturnType<Provider[M]>>;
type Answer = (...args: readonly unknown[]) => unknown;

/**
 * Each method answers what `answer` set for it, once per answer in order; the last one stays. A call that nothing was set for
 * rejects and says so, but `isAvailable()`, which is true.
 *
 *     const provider = new MockProvider();
 *     provider.answer('listNodes', [node]);
 *     provider.answer('startNodes', new NoNodes('dev'));
 */
export class MockProvider implements Provider {
  readonly name: string = 'mock';
  readonly readyState: string;
  readonly capabilities: readonly Capability[];
  readonly calls: MockCall[] = [];
  readonly #answers = new Map<ProviderMethod, Answer[]>();

  constructor(
    options: { readonly readyState?: string; readonly capabilities?: readonly Capability[] } = {},
  ) {
    this.readyState = options.readyState ?? 'running';
    this.capabilities = options.capabilities ?? ['createNodes', 'deleteNodes', 'power'];
  }

  /** @param answer a value, an Error to reject with, or a function of the call's arguments (with the signal) */
  answer<M extends ProviderMethod>(
    method: M,
    answer:
      Result<M> | Error | ((...args: Parameters<Provider[M]>) => Result<M> | Promise<Result<M>>),
  ): this {
    const queue = this.#answers.get(method) ?? [];
    queue.push(typeof answer === 'function' ? (answer as Answer) : () => answer);
    this.#answers.set(method, queue);
    return this;
  }

  /** The calls of one method, their arguments only. */
  callsOf(method: ProviderMethod): readonly (readonly unknown[])[] {
    return this.calls.filter((call) => call.method === method).map(({ args }) => args);
  }

  isAvailable(): boolean {
    this.calls.push({ method: 'isAvailable', args: [] });
    const answer = this.#next('isAvailable');
    return answer === undefined || answer() === true;
  }

  createNodes(
    cluster: ClusterIdentity,
    nodes: readonly NodeRequest[],
    signal: AbortSignal,
  ): Promise<readonly NodeResult[]> {
    return this.#play('createNodes', [cluster, nodes, signal]);
  }

  startNodes(
    cluster: ClusterReference,
    signal: AbortSignal,
    choice?: NodeChoice,
  ): Promise<readonly NodeResult[]> {
    return this.#play('startNodes', [cluster, signal, choice]);
  }

  stopNodes(
    cluster: ClusterReference,
    signal: AbortSignal,
    choice?: NodeChoice,
  ): Promise<readonly NodeResult[]> {
    return this.#play('stopNodes', [cluster, signal, choice]);
  }

  listNodes(cluster: ClusterReference, signal: AbortSignal): Promise<readonly NodeInfo[]> {
    return this.#play('listNodes', [cluster, signal]);
  }

  listAllClusters(signal: AbortSignal): Promise<readonly string[]> {
    return this.#play('listAllClusters', [signal]);
  }

  listAllNodes(signal: AbortSignal): Promise<readonly NodeInfo[]> {
    return this.#play('listAllNodes', [signal]);
  }

  nodesExist(cluster: ClusterReference, signal: AbortSignal): Promise<boolean> {
    return this.#play('nodesExist', [cluster, signal]);
  }

  deleteNodes(
    cluster: ClusterReference,
    signal: AbortSignal,
    choice?: NodeChoice,
  ): Promise<readonly NodeResult[]> {
    return this.#play('deleteNodes', [cluster, signal, choice]);
  }

  getClusterStatus(cluster: ClusterReference, signal: AbortSignal): Promise<ClusterStatus | null> {
    return this.#play('getClusterStatus', [cluster, signal]);
  }

  checkCredentials(signal: AbortSignal): Promise<void> {
    return this.#play('checkCredentials', [signal]);
  }

  async #play<M extends ProviderMethod>(method: M, args: readonly unknown[]): Promise<Result<M>> {
    const recorded = args.filter((value) => !(value instanceof AbortSignal) && value !== undefined);
    this.calls.push({ method, args: recorded });
    const answer = this.#next(method);
    if (answer === undefined)
      throw new Error(
        `MockProvider: nothing was set for ${method}; call answer('${method}', …) first`,
      );
    const result = await answer(...args);
    if (result instanceof Error) throw result;
    return result as Result<M>;
  }

  #next(method: ProviderMethod): Answer | undefined {
    const queue = this.#answers.get(method) ?? [];
    return queue.length > 1 ? queue.shift() : queue[0];
  }
}
