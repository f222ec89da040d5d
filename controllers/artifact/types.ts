// The Artifact kind of windlass.dev/v1alpha1 as it travels on the wire: deploy/crds/windlass.dev_artifacts.yaml in TypeScript.
// Defaults are the server's business, so what has one there may be absent here only in objects built by hand.
import type { ApiObject } from '../machinery/client-types.ts';
import type { Condition } from '../machinery/conditions.ts';

/** While somebody names it. */
export const ARTIFACT_FINALIZER = 'windlass.dev/artifacts';

export interface HeadersSecretRef {
  readonly name: string;
  /** Absent: all keys are headers. */
  readonly key?: string;
}

/** Has exactly one of the first six. */
export interface ArtifactSourceSpec {
  readonly github?: {
    readonly owner: string;
    readonly repository: string;
    readonly asset: string;
    readonly tag?: string;
  };
  readonly url?: string;
  readonly mirror?: { readonly url: string };
  readonly localPath?: string;
  readonly existing?: { readonly path: string };
  readonly image?: string;
  readonly headersSecretRef?: HeadersSecretRef;
}

export interface ArtifactSpec {
  readonly type?: 'File' | 'Tar' | 'OCIImage';
  readonly version?: string;
  readonly os?: string;
  readonly architecture?: string;
  readonly sources: readonly ArtifactSourceSpec[];
  readonly sha256?: string;
  readonly sha256From?: { readonly url: string; readonly headersSecretRef?: HeadersSecretRef };
  readonly delivery?: 'Upload' | 'NodePull' | 'Existing';
  readonly retain?: number;
  readonly installPath?: string;
  readonly mode?: number | string;
}

export interface RetainedDigest {
  /** `sha256:…` */
  readonly digest: string;
  /** What it was kept for. */
  readonly cacheKey?: string;
}

export interface ArtifactStatus {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
  /** `sha256:…` */
  readonly digest?: string;
  readonly size?: number;
  readonly cacheKey?: string;
  readonly fetchCount?: number;
  readonly source?: string;
  readonly usedBy?: readonly string[];
  readonly progress?: { readonly bytes: number; readonly total?: number };
  readonly retained?: readonly RetainedDigest[];
}

export interface Artifact extends ApiObject {
  readonly spec: ArtifactSpec;
  readonly status?: ArtifactStatus;
}
