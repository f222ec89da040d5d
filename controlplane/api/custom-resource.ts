// From a CustomResourceDefinition to the kinds it defines: one ResourceDefinition per served version. The rules it must
// keep are in custom-resource-validation.ts; names, conditions and clean-up belong to the registry.
import type { FieldError } from './errors.ts';
import { fieldAt, isObject, listAt, objectAt, stringAt } from './fields.ts';
import { lazy } from './lazy.ts';
import type { KubernetesObject } from './object.ts';
import { customResourceTable } from './custom-resource-columns.ts';
import { storageKeyOf } from './resource.ts';
import type {
  ResourceDefinition,
  ScaleDefinition,
  SubresourceDefinition,
  Verb,
} from './resource.ts';
import { compileJsonPath } from './schema/json-path.ts';
import type { Schema } from './schema/schema.ts';
import { compileStructural } from './schema/structural.ts';

export { validateCustomResourceDefinition } from './custom-resource-validation.ts';

const VERBS: readonly Verb[] = [
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'create',
  'update',
  'watch',
];
const SUBRESOURCE_VERBS: readonly Verb[] = ['get', 'patch', 'update'];

/**
 * The served versions of a CustomResourceDefinition, in its order. Expects a valid one. A schema is compiled when it is first asked
 * for, which throws an Error naming what cannot be compiled in one that was never validated.
 */
export function definitionsOf(crd: KubernetesObject): ResourceDefinition[] {
  return listAt(crd, 'spec', 'versions')
    .filter((version) => fieldAt(version, 'served') === true)
    .map((version) => definitionOf(crd, version));
}

function definitionOf(crd: KubernetesObject, version: unknown): ResourceDefinition {
  const group = stringAt(crd, 'spec', 'group');
  const names = objectAt(crd, 'spec', 'names');
  const kind = stringAt(names, 'kind');
  const plural = stringAt(names, 'plural');
  const name = stringAt(version, 'name');
  const scale = scaleOf(version);
  const schema = lazy(() => schemaOf(version, componentName(group, name, kind)));
  return {
    group,
    version: name,
    resource: plural,
    singular: stringAt(names, 'singular') || kind.toLowerCase(),
    kind,
    listKind: stringAt(names, 'listKind') || `${kind}List`,
    namespaced: stringAt(crd, 'spec', 'scope') === 'Namespaced',
    shortNames: listAt(names, 'shortNames').map(String),
    categories: listAt(names, 'categories').map(String),
    verbs: VERBS,
    get schema() {
      return schema();
    },
    table: customResourceTable(version),
    subresources: subresourcesOf(version, scale),
    ...(scale === undefined ? {} : { scale }),
    selectableFields: selectableFieldsOf(version),
    custom: true,
    storageKey: storageKeyOf(group, plural),
  };
}

/** `com.example.stable.v1.CronTab`: as upstream names the OpenAPI components of custom resources. */
function componentName(group: string, version: string, kind: string): string {
  return [...group.split('.').toReversed(), version, kind].join('.');
}

function schemaOf(version: unknown, component: string): Schema {
  const path = `the schema of version ${stringAt(version, 'name')}`;
  const compiled = compileStructural(fieldAt(version, 'schema', 'openAPIV3Schema'), path);
  if ('schema' in compiled) return { ...compiled.schema, component };
  const problems = compiled.map((error: FieldError) => `${error.field}: ${error.message}`);
  throw new Error(`Cannot compile a custom resource's schema: ${problems.join('; ')}`);
}

function scaleOf(version: unknown): ScaleDefinition | undefined {
  const scale = fieldAt(version, 'subresources', 'scale');
  if (!isObject(scale)) return undefined;
  const labelSelectorPath = stringAt(scale, 'labelSelectorPath');
  return {
    specReplicasPath: stringAt(scale, 'specReplicasPath'),
    statusReplicasPath: stringAt(scale, 'statusReplicasPath'),
    ...(labelSelectorPath === '' ? {} : { labelSelectorPath }),
  };
}

function subresourcesOf(
  version: unknown,
  scale: ScaleDefinition | undefined,
): readonly SubresourceDefinition[] {
  const subresources: SubresourceDefinition[] = [];
  if (isObject(fieldAt(version, 'subresources', 'status'))) {
    subresources.push({ name: 'status', verbs: SUBRESOURCE_VERBS });
  }
  if (scale !== undefined) {
    const kind = { group: 'autoscaling', version: 'v1', kind: 'Scale' };
    subresources.push({ name: 'scale', kind, verbs: SUBRESOURCE_VERBS });
  }
  return subresources;
}

function selectableFieldsOf(version: unknown): ResourceDefinition['selectableFields'] {
  const fields: Record<string, (object: KubernetesObject) => string> = {};
  for (const source of listAt(version, 'selectableFields')) {
    const text = stringAt(source, 'jsonPath');
    const path = compileJsonPath(text);
    fields[text.replace(/^\./, '')] = (object) => {
      const [value] = path(object);
      return ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : '';
    };
  }
  return fields;
}
