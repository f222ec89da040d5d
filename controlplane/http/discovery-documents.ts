// Discovery documents from the scheme: the legacy lists, and the aggregated form (apidiscovery.k8s.io) in both versions
// that clients ask for. Pure; handlers/discovery.ts caches and serves them.
import { createHash } from 'node:crypto';

import { apiVersionOf } from '../api/object.ts';
import type { ResourceDefinition, SubresourceDefinition } from '../api/resource.ts';
import type { Scheme } from '../api/scheme.ts';

type Document = Record<string, unknown>;

export function apiVersions(serverAddress: string): Document {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  };
}

export function apiGroupList(scheme: Scheme): Document {
  const groups = scheme.groups().filter(({ group }) => group !== '');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(groupEntry) };
}

/** Undefined when nothing of the group is served. */
export function apiGroup(scheme: Scheme, name: string): Document | undefined {
  const found = scheme.groups().find(({ group }) => group === name);
  if (found === undefined || name === '') return undefined;
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(found) };
}

function groupEntry(entry: {
  readonly group: string;
  readonly versions: readonly string[];
}): Document {
  const versions = entry.versions.map((version) => ({
    groupVersion: `${entry.group}/${version}`,
    version,
  }));
  return { name: entry.group, versions, preferredVersion: versions[0] };
}

/** Undefined when the group version is not served. */
export function apiResourceList(
  scheme: Scheme,
  group: string,
  version: string,
): Document | undefined {
  const definitions = scheme.definitionsOf(group, version);
  if (definitions.length === 0) return undefined;
  return {
    kind: 'APIResourceList',
    ...(group === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: apiVersionOf(group, version),
    resources: definitions.flatMap((definition) => [
      resourceEntry(definition),
      ...definition.subresources.map((subresource) => subresourceEntry(definition, subresource)),
    ]),
  };
}

function resourceEntry(definition: ResourceDefinition): Document {
  return {
    name: definition.resource,
    singularName: definition.singular,
    namespaced: definition.namespaced,
    kind: definition.kind,
    verbs: definition.verbs.toSorted(),
    ...(definition.shortNames.length === 0 ? {} : { shortNames: definition.shortNames }),
    ...(definition.categories.length === 0 ? {} : { categories: definition.categories }),
    storageVersionHash: storageVersionHash(definition),
  };
}

/** Eight bytes that change when the stored form does, as upstream. */
function storageVersionHash({ group, version, kind }: ResourceDefinition): string {
  return createHash('sha256')
    .update(`${group}/${version}/${kind}`)
    .digest()
    .subarray(0, 8)
    .toString('base64');
}

function subresourceEntry(
  definition: ResourceDefinition,
  subresource: SubresourceDefinition,
): Document {
  const { kind } = subresource;
  return {
    name: `${definition.resource}/${subresource.name}`,
    singularName: '',
    namespaced: definition.namespaced,
    ...(kind === undefined ? {} : { group: kind.group, version: kind.version }),
    kind: kind?.kind ?? definition.kind,
    verbs: subresource.verbs.toSorted(),
  };
}

export type DiscoveryVersion = 'v2' | 'v2beta1';

/** `/api` shows the core group, `/apis` all others. */
export function aggregatedDiscovery(
  scheme: Scheme,
  isCore: boolean,
  version: DiscoveryVersion,
): Document {
  const groups = scheme.groups().filter(({ group }) => (group === '') === isCore);
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(({ group, versions }) => ({
      metadata: { ...(group === '' ? {} : { name: group }), creationTimestamp: null },
      versions: versions.map((name) => ({
        version: name,
        resources: scheme.definitionsOf(group, name).map(resourceDiscovery),
        freshness: 'Current',
      })),
    })),
  };
}

function resourceDiscovery(definition: ResourceDefinition): Document {
  const { group, version, kind } = definition;
  return {
    resource: definition.resource,
    responseKind: { group, version, kind },
    scope: definition.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: definition.singular,
    verbs: definition.verbs.toSorted(),
    ...(definition.shortNames.length === 0 ? {} : { shortNames: definition.shortNames }),
    ...(definition.categories.length === 0 ? {} : { categories: definition.categories }),
    ...(definition.subresources.length === 0
      ? {}
      : {
          subresources: definition.subresources.map((subresource) => ({
            subresource: subresource.name,
            responseKind: subresource.kind ?? { group, version, kind },
            verbs: subresource.verbs.toSorted(),
          })),
        }),
  };
}
