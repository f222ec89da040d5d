// What all parts of one agent share.
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { Logger } from '#platform/logging.ts';
import type { Client } from '../machinery/client-types.ts';
import type { RegistryLogin } from '../machinery/docker-config.ts';
import type { ImageReference } from '../machinery/image-reference.ts';
import type { PullSecrets } from '../registry/logins.ts';
import type { Runtime } from '../runtimes/runtime.ts';
import type { AgentMetrics } from './metrics.ts';
import type { PodNames } from './names/start-names.ts';
import type { Pod } from './pod.ts';

export interface PodEvents {
  normal(pod: Pod, reason: string, message: string): void;
  warning(pod: Pod, reason: string, message: string): void;
}

export interface AgentContext {
  readonly client: Client;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly metrics: AgentMetrics;
  readonly events: PodEvents;
  readonly nodeName: string;
  /** Address under which this machine's Pods are reached. */
  readonly hostIP: string;
  /** Folder of a Pod on this machine, by uid. */
  readonly folderOf: (podUID: string) => string;
  /** Told of images that this agent has brought here. */
  readonly imageCame: (id: string, name: string) => Promise<void>;
  /** For pulling an image: those of the Pod's Secrets, then those of this machine. */
  readonly findLogins: (
    image: ImageReference,
    secrets: PullSecrets,
    signal: AbortSignal,
  ) => Promise<readonly RegistryLogin[]>;
  /** How instances find services; absent: not at all. */
  readonly names?: PodNames;
  /** Node-local volumes. */
  readonly claimsFolder: string;
}
