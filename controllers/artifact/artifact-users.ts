// Who names an Artifact: Machines in their own spec, Clusters in those of their pools. What they name is not deleted under them.
import type { ApiObject } from '../machinery/client-types.ts';

interface Names {
  readonly artifacts?: readonly { readonly name?: string }[];
  readonly files?: readonly { readonly artifact?: { readonly name?: string } }[];
}

/** A Machine or a Cluster, as far as it is of interest here. */
export interface ArtifactUser extends ApiObject {
  readonly spec?: Names & { readonly pools?: readonly { readonly template?: Names }[] };
  readonly status?: { readonly staged?: readonly { readonly digest?: string }[] };
}

/** Names in its namespace, each once. */
export function artifactsNamedBy({ spec = {} }: ArtifactUser): readonly string[] {
  const templates = (spec.pools ?? []).flatMap(({ template }) => template ?? []);
  const names = [spec, ...templates].flatMap(({ artifacts = [], files = [] }) => [
    ...artifacts.flatMap(({ name }) => name ?? []),
    ...files.flatMap(({ artifact }) => artifact?.name ?? []),
  ]);
  return [...new Set(names)];
}

/** `Machine/worker-1`, `Cluster/edge`; in order. */
export function usersOf(
  artifact: ApiObject,
  users: readonly { readonly kind: string; readonly objects: readonly ArtifactUser[] }[],
): readonly string[] {
  const { namespace, name } = artifact.metadata;
  return users
    .flatMap(({ kind, objects }) =>
      objects
        .filter((one) => one.metadata.namespace === namespace)
        .filter((one) => artifactsNamedBy(one).includes(name))
        .map((one) => `${kind}/${one.metadata.name}`),
    )
    .toSorted();
}
