// What a host is to have of an Artifact, and how it gets there: what whoever works on hosts asks of whoever knows Artifacts.
import type { Headers } from './http-answer.ts';

/** A place where a host can fetch it by itself. */
export interface PullSource {
  readonly url: string;
  /** Secret; looked up when they are needed. */
  readonly headers: (signal: AbortSignal) => Promise<Headers>;
}

export type Delivery =
  /** It is in the store, and sent from there. */
  | { readonly by: 'Upload' }
  /** Hosts fetch it themselves, from the first of these that has it. */
  | { readonly by: 'NodePull'; readonly sources: readonly PullSource[] }
  /** Hosts have it at one of these paths, the first that is there. */
  | { readonly by: 'Existing'; readonly paths: readonly string[] };

export interface HostArtifact {
  readonly type: 'File' | 'Tar';
  /** `sha256:…`; undefined: whatever the host has, which goes with `Existing` only. */
  readonly digest: string | undefined;
  /** Permission bits; undefined: whoever names it decides. */
  readonly mode: number | undefined;
  /** As the Artifact says; of what is in it nobody asked. */
  readonly version?: string | undefined;
  /** Where it belongs, unless whoever names it says otherwise. */
  readonly installPath: string | undefined;
  readonly delivery: Delivery;
}

export interface LocalFile {
  /** Relative to the folder that was named, or to what of a pattern is none. */
  readonly name: string;
  /** On this machine. */
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
}

export interface HostArtifacts {
  /** Pending: why it is not known yet. @throws ArtifactError `Invalid` for what is for no host */
  find(
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<HostArtifact | { readonly pending: string }>;
  /** The bytes from the store. @param digest `sha256:…` */
  open(digest: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Brings into the store what hosts were to fetch themselves, for those that cannot. @throws ArtifactError */
  bring(namespace: string, name: string, signal: AbortSignal): Promise<void>;
  /**
   * Files of this machine, below the folders that the controllers were given.
   *
   * @param pattern a file, a folder (all below it), or a pattern with `*`, `?`, `[…]`, `**`
   * @returns in order of name; single: a file was named
   * @throws ArtifactError `NotFound`, `Refused`
   */
  localFiles(
    pattern: string,
    signal: AbortSignal,
  ): Promise<{ readonly isSingle: boolean; readonly files: readonly LocalFile[] }>;
}

/** Where no artifacts are kept: whoever names one waits, and says so. */
export const noArtifacts: HostArtifacts = {
  find: async (_, name) => ({ pending: `Artifact ${name} is not there yet` }),
  open(digest) {
    throw new Error(`${digest}: no artifacts are kept here`);
  },
  bring(_, name) {
    throw new Error(`Artifact ${name}: no artifacts are kept here`);
  },
  localFiles(pattern) {
    throw new Error(`localPath ${pattern}: there is no folder for such files here`);
  },
};
