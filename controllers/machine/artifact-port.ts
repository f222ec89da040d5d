// What a machine needs of Artifacts: which bytes a name stands for now, and those bytes.
import type { ArtifactStore } from '../binaries/artifact-store.ts';
import type { ApiObject, ApiResource, Client } from '../machinery/client-types.ts';
import { isConditionTrue } from '../machinery/conditions.ts';
import { isNotFound } from '../machinery/request-error.ts';

export interface ArtifactPort {
  /** `sha256:…`; pending: why it is not known yet. */
  digestOf(
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<{ readonly digest: string; readonly mode?: number } | { readonly pending: string }>;
  open(digest: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** Where no artifacts are kept: machines that name one wait, and say so. */
export const noArtifacts: ArtifactPort = {
  digestOf: async (_, name) => ({ pending: `Artifact ${name} is not there yet` }),
  open(digest) {
    throw new Error(`${digest}: no artifacts are kept here`);
  },
};

const ARTIFACTS: ApiResource = {
  group: 'windlass.dev',
  version: 'v1alpha1',
  resource: 'artifacts',
  kind: 'Artifact',
  namespaced: true,
};

interface ArtifactObject extends ApiObject {
  readonly spec: { readonly mode?: number | string };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly digest?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly message: string;
    }[];
  };
}

/** Those that the artifact controller has fetched and verified. */
export function storedArtifacts(client: Pick<Client, 'get'>, store: ArtifactStore): ArtifactPort {
  return {
    async digestOf(namespace, name, signal) {
      let artifact: ArtifactObject;
      try {
        artifact = await client.get<ArtifactObject>(ARTIFACTS, namespace, name, signal);
      } catch (error) {
        if (isNotFound(error)) return { pending: `Artifact ${name} is not there yet` };
        throw error;
      }
      const { metadata, spec, status = {} } = artifact;
      const { digest, conditions = [] } = status;
      const isSeen = (status.observedGeneration ?? 0) >= (metadata.generation ?? 0);
      if (digest === undefined || !isSeen || !isConditionTrue(conditions, 'Cached')) {
        const why = conditions.find((each) => each.status === 'False')?.message;
        return {
          pending: `Artifact ${name} is not fetched yet${why === undefined ? '' : `: ${why}`}`,
        };
      }
      const mode = typeof spec.mode === 'string' ? Number.parseInt(spec.mode, 8) : spec.mode;
      return { digest, ...(mode === undefined ? {} : { mode }) };
    },
    open: (digest, signal) => store.read(digest, signal),
  };
}
