// Everything that a server serves, by its own word: each resource and subresource with the schema of the body that it takes.
import { builtinSchema } from '#controlplane/api/schema/corpus.ts';
import type { Schema } from '#controlplane/api/schema/schema.ts';
import type { RawApi } from '../support/raw-api.ts';

export interface Served {
  readonly group: string;
  readonly version: string;
  /** `pods`, `pods/status`. */
  readonly name: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  /** Of the body. */
  readonly kind: string;
  readonly apiVersion: string;
  readonly schema: Schema;
}

const ANYTHING: Schema = {
  type: 'object',
  properties: {
    metadata: { schema: { type: 'any' } },
    spec: { schema: { type: 'any' } },
    status: { schema: { type: 'any' } },
  },
};

/** @param known schemas of custom kinds, by `apiVersion kind` */
export async function servedBy(
  api: RawApi,
  known: ReadonlyMap<string, Schema>,
): Promise<readonly Served[]> {
  const { groups } = (await api.call({ method: 'GET', path: '/apis' })).body as {
    groups: { versions: { groupVersion: string }[] }[];
  };
  const paths = groups.flatMap(({ versions }) => versions.map(({ groupVersion }) => groupVersion));
  const served: Served[] = [];
  for (const groupVersion of ['v1', ...paths]) {
    const path = groupVersion === 'v1' ? '/api/v1' : `/apis/${groupVersion}`;
    const { body } = await api.call({ method: 'GET', path });
    const { resources = [] } = body as { resources?: Resource[] };
    for (const { name, namespaced, verbs, kind, group, version } of resources) {
      const [ownGroup = '', ownVersion = ''] =
        groupVersion === 'v1' ? ['', 'v1'] : groupVersion.split('/');
      const bodyVersion = version ?? ownVersion;
      const bodyGroup = version === undefined ? ownGroup : (group ?? '');
      const apiVersion = bodyGroup === '' ? bodyVersion : `${bodyGroup}/${bodyVersion}`;
      const schema =
        builtinSchema(bodyGroup, bodyVersion, kind) ??
        known.get(`${apiVersion} ${kind}`) ??
        ANYTHING;
      served.push({
        group: ownGroup,
        version: ownVersion,
        name,
        namespaced,
        verbs,
        kind,
        apiVersion,
        schema,
      });
    }
  }
  return served;
}

interface Resource {
  readonly name: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
}
