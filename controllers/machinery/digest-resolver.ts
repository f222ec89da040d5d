// The port through which a controller learns which bytes the tag of an image stands for now. controllers/registry implements it.

export type PullPolicy = 'Always' | 'IfNotPresent' | 'Never';

export interface ImageQuestion {
  /** In its full form (image-reference.ts), without a digest. */
  readonly image: string;
  readonly policy: PullPolicy;
}

export interface NodeImages {
  readonly name: string;
  /** Node.status.nodeInfo.containerRuntimeVersion: `docker://28.2.2`. */
  readonly runtime: string;
  /** Node.status.images: tags and digests of each. */
  readonly images: readonly { readonly names?: readonly string[] }[];
}

export interface ImageQuestions {
  readonly images: readonly ImageQuestion[];
  /** Where the Secrets for pulling are. */
  readonly namespace: string;
  readonly pullSecrets: readonly string[];
  /** All machines, with what they hold. */
  readonly nodes: readonly NodeImages[];
  /** Do not answer from what was found out a moment ago. */
  readonly fresh?: boolean;
}

export interface ImageAnswer {
  readonly image: string;
  /** `sha256:…`; absent: it stays unpinned, each machine has what it pulls or holds. */
  readonly digest?: string;
  /** Where the digest is from, or why there is none: a clause for an event. */
  readonly reason: string;
  /** It must not be pulled and no machine has it: no instance can run. */
  readonly isMissing: boolean;
}

export interface DigestResolver {
  /** One answer per question, in order. Bounded in time, and never rejects but with the signal's reason: an image stays unpinned instead. */
  resolve(questions: ImageQuestions, signal: AbortSignal): Promise<readonly ImageAnswer[]>;
}
