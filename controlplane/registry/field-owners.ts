// metadata.managedFields at the writes of objects: which entries count, and what they become. The rules are in
// api/managed-fields; here they meet kinds, stored objects and what clients send.
import { asksForReset, readEntries } from '#controlplane/api/managed-fields/entry.ts';
import type { ManagedFieldsEntry } from '#controlplane/api/managed-fields/entry.ts';
import { union } from '#controlplane/api/managed-fields/field-set.ts';
import { untrackedBelow } from '#controlplane/api/managed-fields/untracked.ts';
import { NOTHING, ownersAfterUpdate } from '#controlplane/api/managed-fields/update.ts';
import type { Manager, Perspective } from '#controlplane/api/managed-fields/update.ts';
import { apiVersionOf, parseAPIVersion } from '#controlplane/api/object.ts';
import type { KubernetesObject, ObjectMeta } from '#controlplane/api/object.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import { formatTimestamp } from '#controlplane/api/timestamps.ts';
import type { Environment } from './environment.ts';
import { sameJSON } from './equality.ts';
import { resetFields } from './reset-fields.ts';
import type { WriteContext } from './types.ts';
import { withForms } from './version-forms.ts';

/** What clients sent as metadata.managedFields: undefined for nothing. */
export type SentEntries = unknown;

const perspectives = new WeakMap<ResourceDefinition, Map<string, Perspective>>();

export function perspectiveOf(
  env: Environment,
  definition: ResourceDefinition,
  subresource: string,
): Perspective {
  let known = perspectives.get(definition);
  if (known === undefined) perspectives.set(definition, (known = new Map<string, Perspective>()));
  let perspective = known.get(subresource);
  if (perspective === undefined) {
    const own = apiVersionOf(definition.group, definition.version);
    const reset = resetFields(definition, subresource);
    perspective = {
      apiVersion: own,
      subresource,
      schemaOf: (apiVersion) =>
        apiVersion === own ? definition.schema : definitionAt(env, definition, apiVersion)?.schema,
      reset,
      excluded: union(untrackedBelow, reset),
    };
    known.set(subresource, perspective);
  }
  return perspective;
}

/** The same kind in another version, if that is served. */
export function definitionAt(
  { scheme }: Environment,
  { storageKey, kind }: ResourceDefinition,
  apiVersion: string,
): ResourceDefinition | undefined {
  const { group, version } = parseAPIVersion(apiVersion);
  const other = scheme.byKind(group, version, kind);
  return other?.storageKey === storageKey ? other : undefined;
}

export function managerOf(env: Environment, context: WriteContext): Manager {
  return { name: context.fieldManager, time: formatTimestamp(env.clock.now()) };
}

/** The entries of a stored object; none for one that an older server wrote. */
export function storedEntries({ managedFields }: ObjectMeta): readonly ManagedFieldsEntry[] {
  return (managedFields ?? []) as readonly ManagedFieldsEntry[];
}

/** Takes what the client sent out of the object. */
export function takeSentEntries({ metadata }: KubernetesObject): SentEntries {
  const sent: unknown = metadata.managedFields;
  delete metadata.managedFields;
  return sent;
}

/** Sets the owners of a new object's fields. */
export function ownNewFields(
  env: Environment,
  definition: ResourceDefinition,
  object: KubernetesObject,
  sent: SentEntries,
  context: WriteContext,
): void {
  const entries = asksForReset(sent) ? [] : (readEntries(sent) ?? []);
  const perspective = perspectiveOf(env, definition, '');
  const manager = managerOf(env, context);
  setEntries(object, ownersAfterUpdate(perspective, entries, NOTHING, object, manager));
}

/** Sets the owners of a changed object's fields; waits where only a webhook knows what they are in other versions. */
export function ownChangedFields(
  env: Environment,
  definition: ResourceDefinition,
  subresource: string,
  object: KubernetesObject,
  old: KubernetesObject,
  sent: SentEntries,
  context: WriteContext,
): Promise<void> | undefined {
  delete object.metadata.managedFields;
  const entries = entriesBefore(subresource, old, sent);
  // Nobody's fields are followed when nobody's were before: from an older server, or because somebody asked for it.
  if (entries.length === 0) return undefined;
  const perspective = perspectiveOf(env, definition, subresource);
  const manager = managerOf(env, context);
  const owners = withForms(env, definition, perspective, (seeing) =>
    ownersAfterUpdate(seeing, entries, old, object, manager),
  );
  if (owners instanceof Promise) return owners.then((known) => setEntries(object, known));
  setEntries(object, owners);
  return undefined;
}

function entriesBefore(
  subresource: string,
  { metadata }: KubernetesObject,
  sent: SentEntries,
): readonly ManagedFieldsEntry[] {
  const stored = storedEntries(metadata);
  if (sent === undefined || sent === null || subresource !== '') return stored;
  if (asksForReset(sent)) return [];
  // As nearly always: what was read is sent back.
  if (sameJSON(sent, stored)) return stored;
  const entries = readEntries(sent) ?? [];
  return entries.length === 0 ? stored : entries;
}

export function setEntries(
  { metadata }: KubernetesObject,
  entries: readonly ManagedFieldsEntry[],
): void {
  if (entries.length === 0) delete metadata.managedFields;
  else metadata.managedFields = entries as unknown[];
}

/** Whether a write leaves all as it is; times at which nothing happened do not count. */
export function changesNothing(object: KubernetesObject, old: KubernetesObject): boolean {
  const { metadata, ...rest } = object;
  const { metadata: before, ...restBefore } = old;
  // Nearly always something of this has changed, and nothing else need be looked at.
  if (!sameJSON(rest, restBefore)) return false;
  if (metadata.managedFields === before.managedFields) return sameJSON(metadata, before);
  return sameJSON(timeless(metadata), timeless(before));
}

function timeless(metadata: ObjectMeta): ObjectMeta {
  const managedFields = storedEntries(metadata).map(({ time: _time, ...entry }) => entry);
  return { ...metadata, managedFields };
}
