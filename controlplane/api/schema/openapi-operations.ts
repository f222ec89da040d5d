// One operation of an OpenAPI v3 document. kubectl reads of it: which kind it is about, which query parameters it takes
// (fieldValidation above all) and which kinds of patch.
import type { JsonObject } from './json-value.ts';

export type Action = 'list' | 'post' | 'deletecollection' | 'get' | 'put' | 'patch' | 'delete';

export interface Operation {
  readonly action: Action;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Of request bodies and answers, as `$ref` or in place. */
  readonly body: JsonObject;
  /** Of the answer to a list. */
  readonly list: JsonObject;
  readonly deleteOptions: JsonObject;
  readonly status: JsonObject;
  readonly custom: boolean;
}

const STRING: JsonObject = { type: 'string', uniqueItems: true };
const INTEGER: JsonObject = { type: 'integer', uniqueItems: true };
const BOOLEAN: JsonObject = { type: 'boolean', uniqueItems: true };

const queryOf = (name: string, schema: JsonObject): JsonObject => ({ name, in: 'query', schema });

const LIST_PARAMETERS = [
  queryOf('allowWatchBookmarks', BOOLEAN),
  queryOf('continue', STRING),
  queryOf('fieldSelector', STRING),
  queryOf('labelSelector', STRING),
  queryOf('limit', INTEGER),
  queryOf('resourceVersion', STRING),
  queryOf('resourceVersionMatch', STRING),
  queryOf('sendInitialEvents', BOOLEAN),
  queryOf('timeoutSeconds', INTEGER),
  queryOf('watch', BOOLEAN),
];
const WRITE_PARAMETERS = [
  queryOf('dryRun', STRING),
  queryOf('fieldManager', STRING),
  queryOf('fieldValidation', STRING),
];
const DELETE_PARAMETERS = [
  queryOf('dryRun', STRING),
  queryOf('gracePeriodSeconds', INTEGER),
  queryOf('orphanDependents', BOOLEAN),
  queryOf('propagationPolicy', STRING),
];

const PARAMETERS: Readonly<Record<Action, readonly JsonObject[]>> = {
  list: LIST_PARAMETERS,
  post: WRITE_PARAMETERS,
  deletecollection: [...DELETE_PARAMETERS, ...LIST_PARAMETERS.slice(0, -1)],
  get: [],
  put: WRITE_PARAMETERS,
  patch: WRITE_PARAMETERS,
  delete: DELETE_PARAMETERS,
};

/** The HTTP method of an action, as OpenAPI spells it. */
export const methods: Readonly<Record<Action, string>> = {
  list: 'get',
  post: 'post',
  deletecollection: 'delete',
  get: 'get',
  put: 'put',
  patch: 'patch',
  delete: 'delete',
};

const JSON_PATCH = 'application/json-patch+json';
const MERGE_PATCH = 'application/merge-patch+json';
const STRATEGIC_PATCH = 'application/strategic-merge-patch+json';

function json(schema: JsonObject): JsonObject {
  return { 'application/json': { schema }, 'application/yaml': { schema } };
}

function requestBody({ action, body, deleteOptions, custom }: Operation): JsonObject | undefined {
  switch (action) {
    case 'post':
    case 'put':
      return { content: json(body), required: true };
    case 'patch': {
      const types = custom ? [JSON_PATCH, MERGE_PATCH] : [JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH];
      const schema = { type: 'object' };
      return {
        content: Object.fromEntries(types.map((type) => [type, { schema }])),
        required: true,
      };
    }
    case 'delete':
    case 'deletecollection':
      return { content: json(deleteOptions) };
    default:
      return undefined;
  }
}

export function operationObject(operation: Operation): JsonObject {
  const { action, group, version, kind, body, list, status } = operation;
  const answer = action === 'list' ? list : action.startsWith('delete') ? status : body;
  const ok: JsonObject = { description: 'OK', content: json(answer) };
  const request = requestBody(operation);
  return {
    parameters: PARAMETERS[action],
    ...(request === undefined ? {} : { requestBody: request }),
    responses: {
      '200': ok,
      ...(action === 'post' ? { '201': { ...ok, description: 'Created' } } : {}),
      '401': { description: 'Unauthorized' },
    },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group, kind, version },
  };
}
