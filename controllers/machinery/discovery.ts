// Which kinds a server has, from its discovery documents. One group that does not answer hides only itself.
import type { ApiResource, Client } from './client-types.ts';

export interface DiscoveredResource extends ApiResource {
  readonly verbs: readonly string[];
}

export interface Discovery {
  /** One entry per kind, at its group's preferred version; no subresources. */
  readonly resources: readonly DiscoveredResource[];
  /** `apps/v1: the server said …`, for groups that could not be read. */
  readonly failures: readonly string[];
}

interface GroupList {
  readonly groups: readonly {
    readonly name: string;
    readonly versions: readonly { readonly groupVersion: string; readonly version: string }[];
    readonly preferredVersion?: { readonly version: string };
  }[];
}

interface ResourceList {
  readonly resources: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly verbs: readonly string[];
  }[];
}

export async function discover(
  client: Pick<Client, 'getPath'>,
  signal: AbortSignal,
): Promise<Discovery> {
  const { groups } = (await client.getPath('/apis', signal)) as GroupList;
  const wanted = [
    { group: '', version: 'v1', path: '/api/v1', preferred: true },
    ...groups.flatMap(({ name, versions, preferredVersion }) =>
      versions.map(({ version, groupVersion }) => ({
        group: name,
        version,
        path: `/apis/${groupVersion}`,
        preferred: version === (preferredVersion?.version ?? versions[0]?.version),
      })),
    ),
  ];
  const failures: string[] = [];
  const lists = await Promise.all(
    wanted.map(async ({ group, version, path }) => {
      try {
        const { resources } = (await client.getPath(path, signal)) as ResourceList;
        return resources
          .filter(({ name }) => !name.includes('/'))
          .map(({ name, kind, namespaced, verbs }): DiscoveredResource => ({
            group,
            version,
            resource: name,
            kind,
            namespaced,
            verbs,
          }));
      } catch (error) {
        if (signal.aborted) throw error;
        failures.push(`${path}: ${error instanceof Error ? error.message : String(error)}`);
        return [];
      }
    }),
  );
  // The preferred version where it has the kind, else whichever version does.
  const byKind = new Map<string, DiscoveredResource>();
  for (const preferred of [true, false]) {
    for (const [index, list] of lists.entries()) {
      if (wanted[index]?.preferred !== preferred) continue;
      for (const resource of list) {
        const key = `${resource.group}/${resource.resource}`;
        if (!byKind.has(key)) byKind.set(key, resource);
      }
    }
  }
  return { resources: [...byKind.values()], failures };
}
