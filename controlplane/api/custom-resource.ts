// From a CustomResourceDefinition to the kinds it defines: one ResourceDefinition per served version. The rules it must
// keep are in custom-resource-validation.ts; names, conditions and clean-up belong to the registry.
import { readClientConfig } from './client-config.ts';
import type { FieldError } from './errors.ts';
import { fieldAt, isObject, listAt, objectAt, stringAt } from './fields.ts';
import { lazy } from './lazy.ts';
import { apiVersionOf } from './object.ts';
import type { KubernetesObject } from './object.ts';
import { customResourceTable } from './custom-resource-columns.ts';
import { storageKeyOf } from './resource.ts';
import type {
  CustomVersions,
  ResourceDefinition,
  ScaleDefinition,
  SubresourceDefinition,
  Verb,
} from './resource.ts';
import { compileJsonPath } from './schema/json-path.ts';
import type { Schema } from './schema/schema.ts';
import { compareVersions } from './scheme.ts';
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
 *
 * @param since the revision at which it became what it is; absent for kinds that nobody stores
 */
export function definitionsOf(crd: KubernetesObject, since = -1): ResourceDefinition[] {
  const versions = listAt(crd, 'spec', 'versions');
  const shared = versionsOf(crd, versions, since);
  return versions
    .filter((version) => fieldAt(version, 'served') === true)
    .map((version) => definitionOf(crd, version, shared));
}

function versionsOf(
  crd: KubernetesObject,
  versions: readonly unknown[],
  since: number,
): CustomVersions {
  const group = stringAt(crd, 'spec', 'group');
  const kind = stringAt(crd, 'spec', 'names', 'kind');
  const schemas = new Map<string, () => Schema>();
  for (const version of versions) {
    const name = stringAt(version, 'name');
    const component = componentName(group, name, kind);
    schemas.set(
      name,
      lazy(() => schemaOf(version, component)),
    );
  }
  const storage = versions.find((version) => fieldAt(version, 'storage') === true);
  return {
    storage: apiVersionOf(group, stringAt(storage, 'name')),
    schemaOf: (version) => schemas.get(version)?.(),
    since,
    ...webhookOf(crd),
  };
}

function webhookOf(crd: KubernetesObject): Pick<CustomVersions, 'webhook'> {
  const conversion = fieldAt(crd, 'spec', 'conversion');
  if (stringAt(conversion, 'strategy') !== 'Webhook') return {};
  return {
    webhook: {
      ...readClientConfig(fieldAt(conversion, 'webhook', 'clientConfig')),
      definition: crd.metadata.name ?? '',
      reviewVersions: listAt(conversion, 'webhook', 'conversionReviewVersions').map(String),
    },
  };
}

function definitionOf(
  crd: KubernetesObject,
  version: unknown,
  versions: CustomVersions,
): ResourceDefinition {
  const group = stringAt(crd, 'spec', 'group');
  // Names that were refused are not served; those that were accepted before are.
  const accepted = objectAt(crd, 'status', 'acceptedNames');
  const names = stringAt(accepted, 'plural') === '' ? objectAt(crd, 'spec', 'names') : accepted;
  const kind = stringAt(names, 'kind');
  const plural = stringAt(names, 'plural');
  const name = stringAt(version, 'name');
  const scale = scaleOf(version);
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
      return versions.schemaOf(name) ?? { type: 'any' };
    },
    table: customResourceTable(version),
    subresources: subresourcesOf(version, scale),
    ...(scale === undefined ? {} : { scale }),
    selectableFields: selectableFieldsOf(version),
    custom: true,
    ...deprecationOf(crd, version),
    versions,
    storageKey: storageKeyOf(group, plural),
  };
}

/** In the words of the definition, or of upstream: `stable.example.com/v1beta1 CronTab is deprecated; use …`. */
function deprecationOf(
  crd: KubernetesObject,
  version: unknown,
): Pick<ResourceDefinition, 'deprecationWarning'> {
  if (fieldAt(version, 'deprecated') !== true) return {};
  const own = stringAt(version, 'deprecationWarning');
  if (own !== '') return { deprecationWarning: own };
  const group = stringAt(crd, 'spec', 'group');
  const kind = stringAt(crd, 'spec', 'names', 'kind');
  const name = stringAt(version, 'name');
  const [better] = listAt(crd, 'spec', 'versions')
    .filter((other) => fieldAt(other, 'served') === true && fieldAt(other, 'deprecated') !== true)
    .map((other) => stringAt(other, 'name'))
    .filter((other) => compareVersions(other, name) < 0)
    .toSorted(compareVersions);
  const instead = better === undefined ? '' : `; use ${group}/${better} ${kind}`;
  return { deprecationWarning: `${group}/${name} ${kind} is deprecated${instead}` };
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
