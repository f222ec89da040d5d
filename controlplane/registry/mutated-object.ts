// What others made of an object on its way: brought into the form of its kind again, and what must not be broken by them kept.
import { readEntries } from '#controlplane/api/managed-fields/entry.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { conformMetadata, conformObject } from '#controlplane/api/schema/decode.ts';
import { pruneUnknown } from '#controlplane/api/schema/prune.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import { acceptBody } from './body.ts';
import { sameJSON } from './equality.ts';
import type { WriteContext } from './types.ts';

/** @param fill gives the object its defaults */
export function refineWith(
  definition: ResourceDefinition,
  fill: (object: KubernetesObject) => void,
): (object: KubernetesObject) => void {
  return (object) => {
    if (definition.custom) conformMetadata(object);
    else conformObject(object, definition.schema);
    acceptBody(definition, object);
    pruneUnknown(definition.schema, object);
    fill(object);
  };
}

/** Entries that nobody could read are not taken over: those from before stay, and the client is told. */
export function keepReadableOwners(
  object: KubernetesObject,
  before: unknown,
  context: Pick<WriteContext, 'warn'>,
): void {
  const { metadata } = object;
  const after: unknown = metadata.managedFields;
  if (after === undefined || sameJSON(after, before) || readEntries(after) !== undefined) return;
  if (before === undefined) delete metadata.managedFields;
  else metadata.managedFields = before as unknown[];
  context.warn(
    '.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests',
  );
}

/** What the client asked for beside its object, as whoever is asked about it sees it. */
export function requestOptions(
  kind: 'CreateOptions' | 'UpdateOptions' | 'DeleteOptions',
  { sentOptions, dryRun }: WriteContext,
  more: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  return {
    kind,
    apiVersion: 'meta.k8s.io/v1',
    ...sentOptions,
    ...(dryRun ? { dryRun: ['All'] } : {}),
    ...more,
  };
}
