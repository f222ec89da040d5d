// Requests for everything that is served: each verb and body type, with names, options and bodies by chance.
import type { RandomValues } from './random-value.ts';
import type { Served } from './served.ts';

export interface FuzzRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

const JSON_TYPE = 'application/json';
const YAML_TYPE = 'application/yaml';
const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf';
const PATCHES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
  'application/apply-patch+cbor',
];
const ACCEPTED = [
  JSON_TYPE,
  JSON_TYPE,
  '*/*',
  YAML_TYPE,
  PROTOBUF_TYPE,
  `${PROTOBUF_TYPE},${JSON_TYPE}`,
  `${JSON_TYPE};as=Table;v=v1;g=meta.k8s.io`,
  `${JSON_TYPE};as=PartialObjectMetadata;v=v1;g=meta.k8s.io`,
  `${JSON_TYPE};as=PartialObjectMetadataList;v=v1;g=meta.k8s.io`,
  `${JSON_TYPE};as=Other;v=v9`,
  'application/cbor',
  'text/html',
  ';;;',
];
const NAMES = [
  'a',
  'b',
  'c',
  'a.b',
  'A',
  '..',
  '%2e',
  '%00',
  '-',
  'kubernetes',
  'x'.repeat(300),
  '%C3%BC',
];
const NAMESPACES = ['default', 'missing', 'A_B', 'kube-system', '%2f'];
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  limit: ['0', '1', '2', '-1', 'x', '9999999999999999999'],
  continue: ['x', 'eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhIn0', ''],
  resourceVersion: ['0', '1', '999999999', '-1', 'x', ''],
  resourceVersionMatch: ['Exact', 'NotOlderThan', 'x'],
  labelSelector: ['a=b', 'a in (b,c)', '!a', 'a in', ',', 'a==b,c!=d', '__proto__=a'],
  fieldSelector: ['metadata.name=a', 'metadata.namespace!=b', 'spec.nodeName=', 'x=y', '=', 'a'],
  dryRun: ['All', 'All', 'None', 'x'],
  fieldManager: ['f', '', 'é', 'm'.repeat(200)],
  fieldValidation: ['Strict', 'Warn', 'Ignore', 'x'],
  force: ['true', 'false', 'x'],
  propagationPolicy: ['Background', 'Foreground', 'Orphan', 'x'],
  gracePeriodSeconds: ['0', '1', '-1', 'x', '99999999999'],
  pretty: ['true', 'x'],
  allowWatchBookmarks: ['true', 'x'],
  sendInitialEvents: ['true', 'false', 'x'],
  includeObject: ['None', 'Metadata', 'Object', 'x'],
  timeout: ['1s', 'x', '-1s'],
  command: ['ls'],
  container: ['a'],
  follow: ['false'],
};
/** What others would fail by, as they should: tried, not stored. */
const UNSTORED = new Set([
  'mutatingwebhookconfigurations',
  'validatingwebhookconfigurations',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'apiservices',
]);
/** Never deleted by the collection: without them there is nothing to do. */
const KEPT = new Set(['namespaces', 'customresourcedefinitions', 'nodes']);

export function randomRequest(values: RandomValues, served: readonly Served[]): FuzzRequest {
  if (values.once(40)) return elsewhere(values);
  const resource = values.pick(served);
  const { name: fullName, verbs } = resource;
  const [plural = '', subresource] = fullName.split('/');
  const verb = values.once(12)
    ? values.pick(['get', 'create', 'update', 'patch', 'delete'])
    : values.pick(verbs);
  const isOfMany =
    ['list', 'watch', 'create', 'deletecollection'].includes(verb) && subresource === undefined;
  const name = isOfMany ? '' : nameOf(values, plural);
  const method = METHODS[verb] ?? 'GET';
  const path = pathOf(values, resource, plural, name, subresource);
  const query = queryOf(values, verb);
  if (UNSTORED.has(plural) && method !== 'GET') query.set('dryRun', 'All');
  if (verb === 'deletecollection' && KEPT.has(plural)) query.set('labelSelector', 'fuzzed=none');
  const headers: Record<string, string> = {
    accept: values.once(5) ? values.pick(ACCEPTED) : JSON_TYPE,
  };
  const request = {
    method,
    path: `${path}${query.size === 0 ? '' : `?${query.toString()}`}`,
    headers,
  };
  if (method === 'GET' && !values.once(50)) return request;
  const object = values.of(resource.schema);
  if (verb === 'delete' || verb === 'deletecollection') {
    if (values.once(2)) return request;
    headers['content-type'] = JSON_TYPE;
    return {
      ...request,
      body: encoded(values, {
        kind: 'DeleteOptions',
        apiVersion: 'v1',
        gracePeriodSeconds: values.any(),
        preconditions: values.any(),
        propagationPolicy: values.text(),
      }),
    };
  }
  const body = completed(values, object, resource, name);
  if (verb === 'patch') {
    headers['content-type'] = values.pick(PATCHES);
    const isList = headers['content-type'].startsWith('application/json-patch');
    if (headers['content-type'].includes('apply') && !values.once(4)) {
      const asked = new URLSearchParams(query);
      if (!asked.has('fieldManager')) asked.set('fieldManager', 'fuzz');
      return { ...request, path: `${path}?${asked.toString()}`, body: encoded(values, body) };
    }
    return {
      ...request,
      body: encoded(values, isList && !values.once(8) ? operations(values) : body),
    };
  }
  headers['content-type'] = values.once(6)
    ? values.pick([YAML_TYPE, PROTOBUF_TYPE, 'application/cbor', 'text/plain', ''])
    : JSON_TYPE;
  return { ...request, body: encoded(values, body) };
}

const ELSEWHERE = [
  '/version',
  '/openapi/v2',
  '/openapi/v3',
  '/openapi/v3/api/v1',
  '/openapi/v3/apis/apps/v1',
  '/apis',
  '/api',
  '/api/v1',
  '/apis/apps',
  '/healthz',
  '/readyz?verbose',
  '/livez/ping',
  '/metrics',
  '/metrics/slis',
  '/',
  '/nothing',
  '/apis/none/v1/things',
  '/api/v1/namespaces/fuzz/pods/a/log?tailLines=x',
  '//api//v1',
  '/.well-known/openid-configuration',
  '/openid/v1/jwks',
  '/api/v1/watch/pods?timeoutSeconds=1',
  '/api/v1/namespaces/fuzz/services/a/proxy/x',
  '/logs',
  '/configz',
  '/api/v1/%ff',
  '/api/v1/namespaces/%00/pods',
];

function elsewhere(values: RandomValues): FuzzRequest {
  const method = values.pick([
    'GET',
    'GET',
    'GET',
    'POST',
    'PUT',
    'PATCH',
    'DELETE',
    'HEAD',
    'OPTIONS',
  ]);
  const path = values.pick(ELSEWHERE);
  return { method, path, headers: { accept: values.pick(ACCEPTED) } };
}

const METHODS: Readonly<Record<string, string>> = {
  get: 'GET',
  list: 'GET',
  watch: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
};

function nameOf(values: RandomValues, plural: string): string {
  if (plural === 'namespaces') return values.pick(['fuzz', 'a', 'missing']);
  return values.once(8) ? values.pick(NAMES) : values.pick(['a', 'b']);
}

function pathOf(
  values: RandomValues,
  { group, version, namespaced }: Served,
  plural: string,
  name: string,
  subresource: string | undefined,
): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const place =
    namespaced && !values.once(15)
      ? `/namespaces/${values.once(8) ? values.pick(NAMESPACES) : 'fuzz'}`
      : '';
  const item = name === '' ? '' : `/${name}`;
  const below = subresource === undefined ? '' : `/${subresource}`;
  return `${root}${place}/${plural}${item}${below}`;
}

function queryOf(values: RandomValues, verb: string): URLSearchParams {
  const query = new URLSearchParams();
  while (values.once(3)) {
    const option = values.pick(Object.keys(OPTIONS));
    query.set(option, values.pick(OPTIONS[option] ?? ['']));
  }
  if (verb === 'watch') {
    query.set('watch', 'true');
    query.set('timeoutSeconds', '1');
  }
  return query;
}

/** With the type and name that it must have, nearly always. */
function completed(
  values: RandomValues,
  object: unknown,
  { kind, apiVersion }: Served,
  name: string,
): unknown {
  if (typeof object !== 'object' || object === null || Array.isArray(object)) return object;
  if (values.once(20)) return object;
  const { metadata } = object as { metadata?: unknown };
  const kept = typeof metadata === 'object' && values.once(4) ? metadata : {};
  const own = { ...kept, name: name === '' ? values.pick(['a', 'b', 'c']) : name };
  return { ...object, kind, apiVersion, metadata: own };
}

function operations(values: RandomValues): unknown[] {
  const paths = [
    '',
    '/',
    '/spec',
    '/metadata/name',
    '/metadata/labels',
    '/metadata/labels/a',
    '/data/a',
    '/spec/x/-',
    '/~',
    '/~0~1',
    '/__proto__/a',
    '/status',
    '/metadata/managedFields',
  ];
  const length = 1 + (values.once(3) ? 3 : 0);
  return Array.from({ length }, () => ({
    op: values.pick(['add', 'remove', 'replace', 'test', 'move', 'copy', 'x']),
    path: values.pick(paths),
    from: values.pick(paths),
    value: values.any(),
  }));
}

/** Bytes, sometimes broken ones. */
function encoded(values: RandomValues, value: unknown): Buffer {
  const bytes = Buffer.from(JSON.stringify(value) ?? 'null');
  if (!values.once(10)) return bytes;
  const half = bytes.subarray(0, bytes.length / 2);
  return values.pick([
    () => half,
    () => Buffer.concat([bytes, bytes]),
    () => Buffer.concat([half, Buffer.from([0xff, 0xc0, 0]), half]),
    () => Buffer.from('['.repeat(20_000)),
    () => Buffer.from(`${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`),
    () => Buffer.from('{"a":1,"a":2,"metadata":{"name":"a"},"metadata":{"name":"b"}}'),
    () => Buffer.from('a: &a [1]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\nd: [*c,*c,*c]\n'),
    () => Buffer.concat([Buffer.from('k8s\0'), bytes]),
    () =>
      Buffer.from([
        0x6b, 0x38, 0x73, 0, 0x0a, 0x0a, 0x0a, 0x02, 0x76, 0x31, 0x12, 0x03, 0x50, 0x6f, 0x64, 0x12,
        0xff, 0x01, 0x80,
      ]),
    () => Buffer.alloc(0),
  ])();
}
