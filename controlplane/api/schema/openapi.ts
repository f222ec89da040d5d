// The OpenAPI documents of the server: one v3 document per group version, enough for kubectl to validate, patch, edit and
// explain; and the empty v2 document that kubectl before 1.29 must get before it does anything.
import { parseAPIVersion } from '../object.ts';
import type { ResourceDefinition, SubresourceDefinition, Verb } from '../resource.ts';
import { builtinSchema } from './corpus.ts';
import type { JsonObject } from './json-value.ts';
import { methods, operationObject } from './openapi-operations.ts';
import type { Action, Operation } from './openapi-operations.ts';
import { OpenAPIComponents } from './openapi-schema.ts';
import type { Schema } from './schema.ts';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';

const listMetaSchema: Schema = {
  type: 'object',
  component: `${META}.ListMeta`,
  properties: {
    continue: { schema: { type: 'string' } },
    remainingItemCount: { schema: { type: 'integer', format: 'int64' } },
    resourceVersion: { schema: { type: 'string' } },
    selfLink: { schema: { type: 'string' } },
  },
};

const COLLECTION: readonly (readonly [Verb, Action])[] = [
  ['list', 'list'],
  ['create', 'post'],
  ['deletecollection', 'deletecollection'],
];
const OBJECT: readonly (readonly [Verb, Action])[] = [
  ['get', 'get'],
  ['update', 'put'],
  ['patch', 'patch'],
  ['delete', 'delete'],
];
const SUBRESOURCE: readonly (readonly [Verb, Action])[] = [...OBJECT, ['create', 'post']];

const pathParameter = (name: string): JsonObject => ({
  name,
  in: 'path',
  required: true,
  schema: { type: 'string', uniqueItems: true },
});

/**
 * An OpenAPI 3.0 document as plain data, to be written as JSON.
 * @param groupVersion `v1` or `apps/v1`
 * @param definitions of that group version, in the order paths shall have
 */
export function openAPIv3Document(
  groupVersion: string,
  definitions: readonly ResourceDefinition[],
): JsonObject {
  const { group } = parseAPIVersion(groupVersion);
  const prefix = group === '' ? `/api/${groupVersion}` : `/apis/${groupVersion}`;
  const components = new OpenAPIComponents();
  const paths: JsonObject = {};
  for (const definition of definitions) addPaths(paths, prefix, definition, components);
  return {
    openapi: '3.0.0',
    info: { title: 'Windlass', version: 'unversioned' },
    paths,
    components: { schemas: components.schemas },
  };
}

function addPaths(
  paths: JsonObject,
  prefix: string,
  definition: ResourceDefinition,
  components: OpenAPIComponents,
): void {
  const { resource, namespaced, verbs, subresources } = definition;
  const base = operationOf(definition, components);
  const all = `${prefix}/${resource}`;
  const collection = namespaced ? `${prefix}/namespaces/{namespace}/${resource}` : all;
  const inNamespace = namespaced ? [pathParameter('namespace')] : [];
  const put = (
    path: string,
    table: readonly (readonly [Verb, Action])[],
    of: Omit<Operation, 'action'>,
    allowed: readonly Verb[],
    parameters: readonly JsonObject[],
  ): void => {
    const item: JsonObject = {};
    for (const [verb, action] of table) {
      if (allowed.includes(verb)) item[methods[action]] = operationObject({ ...of, action });
    }
    if (Object.keys(item).length === 0) return;
    paths[path] = parameters.length === 0 ? item : { ...item, parameters };
  };
  // Across namespaces one can only list; kubectl explain looks for this path.
  if (namespaced) put(all, COLLECTION.slice(0, 1), base, verbs, []);
  put(collection, COLLECTION, base, verbs, inNamespace);
  const object = [pathParameter('name'), ...inNamespace];
  put(`${collection}/{name}`, OBJECT, base, verbs, object);
  for (const subresource of subresources) {
    const of = subresourceOperation(subresource, base, components);
    put(`${collection}/{name}/${subresource.name}`, SUBRESOURCE, of, subresource.verbs, object);
  }
}

function operationOf(
  { group, version, kind, listKind, schema, custom }: ResourceDefinition,
  components: OpenAPIComponents,
): Omit<Operation, 'action'> {
  const body = components.refer(schema);
  const { component } = schema;
  let list: JsonObject = { type: 'object' };
  if (component !== undefined) {
    components.markKind(component, group, version, kind);
    const listComponent = `${component.slice(0, component.lastIndexOf('.') + 1)}${listKind}`;
    list = components.refer(listSchema(schema, listComponent));
    components.markKind(listComponent, group, version, listKind);
  }
  return {
    group,
    version,
    kind,
    body,
    list,
    deleteOptions: referBuiltin(components, '', 'v1', 'DeleteOptions'),
    status: referBuiltin(components, '', 'v1', 'Status'),
    custom,
  };
}

function listSchema(schema: Schema, component: string): Schema {
  return {
    type: 'object',
    component,
    required: ['items'],
    properties: {
      apiVersion: { schema: { type: 'string' } },
      items: { schema: { type: 'array', items: schema } },
      kind: { schema: { type: 'string' } },
      metadata: { schema: listMetaSchema },
    },
  };
}

/** Bodies of another kind than the object's: Scale, Eviction, Binding … */
function subresourceOperation(
  { kind: other }: SubresourceDefinition,
  base: Omit<Operation, 'action'>,
  components: OpenAPIComponents,
): Omit<Operation, 'action'> {
  if (other === undefined) return base;
  const { group, version, kind } = other;
  return { ...base, ...other, body: referBuiltin(components, group, version, kind), custom: false };
}

function referBuiltin(
  components: OpenAPIComponents,
  group: string,
  version: string,
  kind: string,
): JsonObject {
  const schema = builtinSchema(group, version, kind);
  if (schema === undefined) return { type: 'object' };
  if (schema.component !== undefined && group !== '') {
    const reference = components.refer(schema);
    components.markKind(schema.component, group, version, kind);
    return reference;
  }
  return components.refer(schema);
}
