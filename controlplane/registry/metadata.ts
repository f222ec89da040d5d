// metadata: the types of its fields, what the server fills in or keeps, and its validation. The rules of
// k8s.io/apimachinery api/validation and apiserver registry/rest BeforeCreate and BeforeUpdate.
import type { FieldError } from '#controlplane/api/errors.ts';
import {
  forbiddenField,
  invalidField,
  invalidFields,
  requiredField,
  tooLongField,
} from '#controlplane/api/field-errors.ts';
import { isObject, stringAt } from '#controlplane/api/fields.ts';
import {
  checkLabelValue,
  checkQualifiedName,
  qualifiedNameProblems,
} from '#controlplane/api/names.ts';
import type { KubernetesObject, ObjectMeta } from '#controlplane/api/object.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import { formatTimestamp } from '#controlplane/api/timestamps.ts';
import type { Environment } from './environment.ts';
import { sameJSON } from './equality.ts';
import { cannotHandle } from './problems.ts';
import type { WriteContext } from './types.ts';

const ANNOTATIONS_LIMIT_BYTES = 256 * 1024;

const MANAGER_LIMIT = 128;
const SUBRESOURCE_LIMIT = 256;

const STRING_FIELDS = [
  'name',
  'generateName',
  'namespace',
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'deletionTimestamp',
] as const;

/** Refuses metadata whose fields have the wrong types, so that all later code can rely on ObjectMeta. @throws ApiError 400 */
export function checkMetadataTypes(definition: ResourceDefinition, object: KubernetesObject): void {
  const metadata: unknown = object.metadata;
  if (!isObject(metadata)) {
    throw cannotHandle(definition, `metadata: expected an object, found ${typeName(metadata)}`);
  }
  for (const field of STRING_FIELDS) {
    const value = metadata[field];
    if (value === null) delete metadata[field];
    else if (value !== undefined && typeof value !== 'string') {
      throw cannotHandle(
        definition,
        `metadata.${field}: expected a string, found ${typeName(value)}`,
      );
    }
  }
  checkStringMap(definition, metadata, 'labels');
  checkStringMap(definition, metadata, 'annotations');
  checkList(definition, metadata, 'finalizers', (item) => typeof item === 'string', 'strings');
  checkList(definition, metadata, 'ownerReferences', isObject, 'objects');
}

function checkStringMap(
  definition: ResourceDefinition,
  metadata: Record<string, unknown>,
  field: string,
): void {
  const value = metadata[field];
  if (value === undefined) return;
  if (value === null) {
    delete metadata[field];
    return;
  }
  if (!isObject(value)) {
    throw cannotHandle(
      definition,
      `metadata.${field}: expected an object, found ${typeName(value)}`,
    );
  }
  for (const [key, item] of Object.entries(value)) {
    if (item === null) value[key] = '';
    else if (typeof item !== 'string') {
      throw cannotHandle(
        definition,
        `metadata.${field}.${key}: expected a string, found ${typeName(item)} (quote it)`,
      );
    }
  }
}

function checkList(
  definition: ResourceDefinition,
  metadata: Record<string, unknown>,
  field: string,
  fits: (item: unknown) => boolean,
  what: string,
): void {
  const value = metadata[field];
  if (value === undefined) return;
  if (value === null) {
    delete metadata[field];
    return;
  }
  if (!Array.isArray(value) || !value.every(fits)) {
    throw cannotHandle(definition, `metadata.${field}: expected a list of ${what}`);
  }
}

function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}

/** Takes out what only the server sets and stamps a new object. Name and namespace are set before. */
export function prepareNewMetadata(metadata: ObjectMeta, env: Environment): void {
  delete metadata.resourceVersion;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.selfLink;
  delete metadata.generation;
  metadata.uid = env.ids.uuid();
  metadata.creationTimestamp = formatTimestamp(env.clock.now());
}

/** Keeps what a client cannot change. */
export function prepareUpdatedMetadata(metadata: ObjectMeta, old: ObjectMeta): void {
  delete metadata.selfLink;
  keep(metadata, old, 'uid');
  keep(metadata, old, 'creationTimestamp');
  keep(metadata, old, 'deletionTimestamp');
  keep(metadata, old, 'deletionGracePeriodSeconds');
  keep(metadata, old, 'generation');
  keep(metadata, old, 'resourceVersion');
  if (metadata.generateName === undefined) keep(metadata, old, 'generateName');
}

function keep(metadata: ObjectMeta, old: ObjectMeta, field: keyof ObjectMeta): void {
  if (old[field] === undefined) delete metadata[field];
  else Object.assign(metadata, { [field]: old[field] });
}

export function validateMetadata(
  metadata: ObjectMeta,
  checkName: (name: string) => string | undefined,
): FieldError[] {
  const errors: FieldError[] = [];
  const name = metadata.name ?? '';
  if (name === '') errors.push(requiredField('metadata.name', 'name or generateName is required'));
  else {
    const wrong = checkName(name);
    if (wrong !== undefined) errors.push(invalidField('metadata.name', name, wrong));
  }
  if (metadata.generateName !== undefined && metadata.generateName !== '') {
    validatePrefix(metadata.generateName, checkName, errors);
  }
  if (metadata.labels !== undefined) validateLabels(metadata.labels, errors);
  if (metadata.annotations !== undefined) validateAnnotations(metadata.annotations, errors);
  if (metadata.finalizers !== undefined) validateFinalizers(metadata.finalizers, errors);
  if (metadata.ownerReferences !== undefined) validateOwners(metadata, errors);
  if (metadata.managedFields !== undefined) validateManagers(metadata.managedFields, errors);
  return errors;
}

/** A prefix may end in the `-` that a name may not end in. */
function validatePrefix(
  prefix: string,
  checkName: (name: string) => string | undefined,
  errors: FieldError[],
): void {
  const wrong = checkName(prefix.endsWith('-') ? `${prefix.slice(0, -1)}a` : prefix);
  if (wrong !== undefined) errors.push(invalidField('metadata.generateName', prefix, wrong));
}

function validateLabels(labels: Readonly<Record<string, string>>, errors: FieldError[]): void {
  for (const [key, value] of Object.entries(labels)) {
    errors.push(...invalidFields('metadata.labels', key, qualifiedNameProblems(key)));
    const wrongValue = checkLabelValue(value);
    if (wrongValue !== undefined) errors.push(invalidField('metadata.labels', value, wrongValue));
  }
}

function validateAnnotations(
  annotations: Readonly<Record<string, string>>,
  errors: FieldError[],
): void {
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    const wrong = checkQualifiedName(key.toLowerCase());
    if (wrong !== undefined) errors.push(invalidField('metadata.annotations', key, wrong));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > ANNOTATIONS_LIMIT_BYTES) {
    errors.push(tooLongField('metadata.annotations', ANNOTATIONS_LIMIT_BYTES));
  }
}

const BARE_FINALIZERS = new Set(['foregroundDeletion', 'orphan', 'kubernetes']);

function validateFinalizers(finalizers: readonly string[], errors: FieldError[]): void {
  for (const [index, finalizer] of finalizers.entries()) {
    const field = `metadata.finalizers[${index}]`;
    errors.push(
      ...invalidFields('metadata.finalizers', finalizer, qualifiedNameProblems(finalizer)),
    );
    if (!finalizer.includes('/') && !BARE_FINALIZERS.has(finalizer)) {
      errors.push(
        invalidField(
          field,
          finalizer,
          'name is neither a standard finalizer name nor is it fully qualified',
        ),
      );
    }
  }
  if (finalizers.includes('foregroundDeletion') && finalizers.includes('orphan')) {
    errors.push(
      invalidField(
        'metadata.finalizers',
        finalizers,
        'finalizer orphan and foregroundDeletion cannot be both set',
      ),
    );
  }
}

function validateOwners({ ownerReferences = [] }: ObjectMeta, errors: FieldError[]): void {
  const field = 'metadata.ownerReferences';
  let controller: string | undefined;
  for (const owner of ownerReferences) {
    const [apiVersion, kind, name, uid] = (['apiVersion', 'kind', 'name', 'uid'] as const).map(
      (part) => stringAt(owner, part),
    ) as [string, string, string, string];
    if (!/^([^/]*\/)?[^/]+$/.test(apiVersion))
      errors.push(invalidField(`${field}.apiVersion`, apiVersion, 'version must not be empty'));
    for (const [part, value] of Object.entries({ kind, name, uid }))
      if (value === '') errors.push(invalidField(`${field}.${part}`, value, 'must not be empty'));
    if (apiVersion === 'v1' && kind === 'Event')
      errors.push(invalidField(field, owner, '/v1, Kind=Event is disallowed from being an owner'));
    if (owner.controller !== true) continue;
    if (controller === undefined) controller = `${kind}/${name}`;
    else {
      const why = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${kind}/${name}`;
      errors.push(invalidField(field, ownerReferences, why));
    }
  }
}

function validateManagers(entries: readonly unknown[], errors: FieldError[]): void {
  for (const [index, entry] of entries.entries()) {
    const { manager, subresource } = entry as { manager?: unknown; subresource?: unknown };
    const field = `metadata.managedFields[${index}]`;
    if (typeof manager === 'string' && manager.length > MANAGER_LIMIT) {
      errors.push(tooLongField(`${field}.manager`, MANAGER_LIMIT));
    }
    if (typeof subresource === 'string' && subresource.length > SUBRESOURCE_LIMIT) {
      errors.push(tooLongField(`${field}.subresource`, SUBRESOURCE_LIMIT));
    }
  }
}

/** Drops further references to the same owner; says so to the client. */
export function dropDuplicateOwners(
  metadata: ObjectMeta,
  context: Pick<WriteContext, 'warn'>,
): void {
  const owners = metadata.ownerReferences;
  if (owners === undefined || owners.length < 2) return;
  const seen = new Map(owners.toReversed().map((owner) => [owner.uid, owner]));
  if (seen.size === owners.length) return;
  metadata.ownerReferences = owners.filter(
    (owner, index) => owners.findIndex((other) => other.uid === owner.uid) === index,
  );
  context.warn(
    '.metadata.ownerReferences contains duplicate entries; the first of each uid is kept',
  );
}

/** What an update may not do to metadata. Immutable fields were put back by prepareUpdatedMetadata. */
export function validateMetadataUpdate(metadata: ObjectMeta, old: ObjectMeta): FieldError[] {
  if (old.deletionTimestamp === undefined) return [];
  const before = new Set(old.finalizers);
  const added = (metadata.finalizers ?? []).filter((finalizer) => !before.has(finalizer));
  if (added.length === 0) return [];
  return [
    forbiddenField(
      'metadata.finalizers',
      `no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`,
    ),
  ];
}

/** True when `object` differs from `old` in what metadata.generation counts. */
export function changesGeneration(
  definition: ResourceDefinition,
  object: KubernetesObject,
  old: KubernetesObject,
  hasStatusSubresource: boolean,
): boolean {
  if (!definition.custom) return !sameJSON(object['spec'], old['spec']);
  for (const field of new Set([...Object.keys(object), ...Object.keys(old)])) {
    if (field === 'metadata' || field === 'apiVersion' || field === 'kind') continue;
    if (field === 'status' && hasStatusSubresource) continue;
    if (!sameJSON(object[field], old[field])) return true;
  }
  return false;
}
