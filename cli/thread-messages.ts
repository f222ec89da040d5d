// What the main thread and the controllers' thread say to each other. Plain data: it is cloned on the way.
import type { ImageCollectionSettings } from '#controllers/agent/image-collection.ts';
import type { LogFormat, LogLevel } from '#platform/logging.ts';

export type RuntimeChoice = 'process' | 'docker' | 'auto';

/** Where agents of other machines find this one. */
export interface PeerSettings {
  readonly bind?: string;
  readonly port?: number;
  readonly address?: string;
}

/** Handed to the thread at its start. A part that is absent does not run. */
export interface ThreadData {
  readonly controllers?: {
    readonly kubeconfig: string;
    readonly clusterDomain: string;
    /** Folder of the artifact store, and where files of Artifacts are looked for. */
    readonly artifacts: { readonly folder: string; readonly files: readonly string[] };
    /** Names of those to run; absent: all. */
    readonly names?: readonly string[];
  };
  readonly agent?: {
    readonly kubeconfig: string;
    readonly nodeName: string;
    readonly dataDir: string;
    readonly runtime: RuntimeChoice;
    readonly ingressBind: string;
    readonly peers: PeerSettings;
    readonly imageCollection: ImageCollectionSettings;
    readonly clusterDomain: string;
  };
  readonly manifests?: {
    readonly kubeconfig: string;
    readonly paths: readonly string[];
    /** A thread before this one applied them: only what is saved from now on is applied. */
    readonly isApplied?: boolean;
  };
  readonly logFormat: LogFormat;
  readonly logLevel: LogLevel;
}

export type ToThread =
  | { readonly type: 'metrics'; readonly id: number }
  | { readonly type: 'stop'; readonly stopContainers: boolean };

/** One service as the closing screen names it. */
export interface ServiceSummary {
  readonly namespace: string;
  readonly name: string;
  /** Where it answers: URLs. */
  readonly addresses: readonly string[];
  /** Why it does not answer on the others, or not at all: a sentence each. */
  readonly troubles: readonly string[];
}

export type FromThread =
  | { readonly type: 'started' }
  /** A part could not start: `next start` would say the same. */
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'metrics'; readonly id: number; readonly text: string }
  | { readonly type: 'line'; readonly key: string; readonly text: string }
  | { readonly type: 'say'; readonly text: string }
  /** Nothing moves any more: what is told next is another story. */
  | { readonly type: 'rest' }
  /** Everything from the manifests has settled for the first time, well or not. */
  | { readonly type: 'settled'; readonly services: readonly ServiceSummary[] }
  | { readonly type: 'stopped' };
