// The least that a kind of infrastructure must do. LabelledProvider makes a Provider of it: who may touch what, parallelism, deadlines
// and results are the same for all.
import type { Labels } from './label-scheme.ts';
import type {
  Capability,
  ClusterIdentity,
  ClusterStatus,
  NodeRequest,
  NodeResult,
} from './provider.ts';

/** Something that is there, as the other side says it. */
export interface FoundNode {
  /** What calls to the other side take: an id. */
  readonly id: string;
  readonly name: string;
  readonly labels: Labels;
  readonly state: string;
  readonly addresses?: readonly string[];
  readonly serverType?: string;
}

/** Methods reject with ProviderUnavailable when the other side cannot be asked, and with the signal's reason when that aborts. */
export interface InfraDriver {
  readonly name: string;
  /** Whether it is set up completely; what is not rejects every call with ProviderUnavailable. */
  readonly isAvailable: boolean;
  readonly readyState: string;
  /** States in which there is nothing to stop. */
  readonly stoppedStates: readonly string[];
  readonly capabilities: readonly Capability[];
  /** The nodes that have all of the filter's labels; an empty value stands for any. More may be in it. */
  list(filter: Labels, signal: AbortSignal): Promise<readonly FoundNode[]>;
  /** What nodes of the cluster need before they are made: networks and the like, made or checked to be ours. */
  prepare(
    cluster: ClusterIdentity,
    nodes: readonly NodeRequest[],
    signal: AbortSignal,
  ): Promise<void>;
  /** Makes a node with these labels and starts it. @throws NameTaken when something of that name is there */
  create(
    cluster: ClusterIdentity,
    node: NodeRequest,
    labels: Labels,
    signal: AbortSignal,
  ): Promise<void>;
  /** Does what is left of a create that was interrupted. @throws SkipAction when nothing is */
  finish(node: FoundNode, request: NodeRequest, signal: AbortSignal): Promise<void>;
  /** Resolves when the node is in `readyState`. */
  start(node: FoundNode, signal: AbortSignal): Promise<void>;
  /** Resolves when the node is in one of `stoppedStates`. */
  stop(node: FoundNode, signal: AbortSignal): Promise<void>;
  /** Resolves when it is gone; gone already is fine. */
  remove(node: FoundNode, signal: AbortSignal): Promise<void>;
  /** What else carries the labels of the cluster, in the order of dependence; a result for each. */
  removeResources(cluster: ClusterIdentity, signal: AbortSignal): Promise<readonly NodeResult[]>;
  /** Where the other side knows better than a count of nodes. Undefined: it does not, this time. */
  clusterStatus?(
    cluster: string,
    signal: AbortSignal,
  ): Promise<Pick<ClusterStatus, 'phase' | 'isReady' | 'endpoint'> | undefined>;
  checkCredentials(signal: AbortSignal): Promise<void>;
}

/** By `create`: the name is in use. */
export class NameTaken extends Error {
  override readonly name = 'NameTaken';
  /** Of what has it; undefined while that cannot be seen yet, as somebody is just making it. */
  readonly labels: Labels | undefined;

  constructor(message: string, labels: Labels | undefined) {
    super(message);
    this.labels = labels;
  }
}
