// Brings a Pod template into one form, so that two ways of writing the same thing compare equal and hash alike: defaults left
// out, empty lists and maps left out, order taken from lists where it means nothing, quantities in canonical text. Pure.
import { canonicalImageText } from '../machinery/image-reference.ts';
import { canonicalQuantity } from '../machinery/quantity.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Values that a field has anyway. The key is the path of field names, without list positions. */
const DEFAULTS: ReadonlyMap<string, Json> = new Map<string, Json>([
  ['spec.restartPolicy', 'Always'],
  ['spec.dnsPolicy', 'ClusterFirst'],
  ['spec.schedulerName', 'default-scheduler'],
  ['spec.terminationGracePeriodSeconds', 30],
  ['spec.enableServiceLinks', true],
  ...containerDefaults('spec.containers'),
  ...containerDefaults('spec.initContainers'),
]);

function containerDefaults(prefix: string): [string, Json][] {
  const probes = ['livenessProbe', 'readinessProbe', 'startupProbe'].flatMap(
    (probe): [string, Json][] => [
      [`${prefix}.${probe}.periodSeconds`, 10],
      [`${prefix}.${probe}.timeoutSeconds`, 1],
      [`${prefix}.${probe}.successThreshold`, 1],
      [`${prefix}.${probe}.failureThreshold`, 3],
      [`${prefix}.${probe}.initialDelaySeconds`, 0],
      [`${prefix}.${probe}.httpGet.scheme`, 'HTTP'],
      [`${prefix}.${probe}.httpGet.path`, '/'],
    ],
  );
  return [
    [`${prefix}.ports.protocol`, 'TCP'],
    [`${prefix}.terminationMessagePath`, '/dev/termination-log'],
    [`${prefix}.terminationMessagePolicy`, 'File'],
    [`${prefix}.env.valueFrom.fieldRef.apiVersion`, 'v1'],
    ...probes,
  ];
}

/** Lists whose order means nothing, with the fields that tell their items apart. */
const UNORDERED: ReadonlyMap<string, readonly string[]> = new Map([
  ['spec.volumes', ['name']],
  ['spec.imagePullSecrets', ['name']],
  ['spec.tolerations', ['key', 'operator', 'value', 'effect']],
  ['spec.containers.ports', ['containerPort', 'protocol', 'hostPort', 'name']],
  ['spec.initContainers.ports', ['containerPort', 'protocol', 'hostPort', 'name']],
  ['spec.containers.volumeMounts', ['mountPath']],
  ['spec.initContainers.volumeMounts', ['mountPath']],
  ['volumes', ['name']],
  ['configs', ['name']],
  ['secrets', ['name']],
  ['configs.mounts', ['path', 'container']],
  ['secrets.mounts', ['path', 'container']],
  ['engine.ulimits', ['name']],
  ['engine.devices', ['hostPath', 'containerPath']],
]);

/** Lists of words whose order means nothing. */
const SETS = /\.securityContext\.capabilities\.(add|drop)$/;

const QUANTITY_PATH = /\.resources\.(requests|limits)\.[^.]+$|\.emptyDir\.sizeLimit$/;

const IMAGE_PATH = /^spec\.(?:(?:containers|initContainers)\.image|volumes\.image\.reference)$/;

/** The normal form; key order is alphabetical, so its JSON text is canonical. */
export function normalizeTemplate(template: unknown): Json {
  return normalize(template, '') ?? {};
}

function normalize(value: unknown, path: string): Json | undefined {
  if (value === null || value === undefined) return undefined;
  // When to pull decides nothing about what runs already: that is the image's digest.
  if (path.endsWith('ontainers.imagePullPolicy')) return undefined;
  if (Array.isArray(value)) return normalizeList(value, path);
  if (typeof value === 'object') return normalizeMap(value as Record<string, unknown>, path);
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    return undefined;
  }
  if (DEFAULTS.get(path) === value) return undefined;
  if (QUANTITY_PATH.test(path) && typeof value !== 'boolean')
    return canonicalQuantity(String(value));
  // The short form is what most have written: the hashes of their revisions stay what they were.
  if (IMAGE_PATH.test(path) && typeof value === 'string') return canonicalImageText(value);
  return value;
}

function normalizeList(list: readonly unknown[], path: string): Json | undefined {
  if (list.length === 0) return undefined;
  const items = list.map((item) => normalize(item, path) ?? {});
  if (SETS.test(path)) return [...new Set(items.map((item) => JSON.stringify(item)))].toSorted();
  const keys = UNORDERED.get(path);
  if (keys === undefined) return items;
  const sortKey = (item: Json): string =>
    JSON.stringify(keys.map((key) => (item as Record<string, Json>)[key] ?? null));
  return items.toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

function normalizeMap(map: Record<string, unknown>, path: string): Json | undefined {
  const entries: [string, Json][] = [];
  for (const name of Object.keys(map).toSorted()) {
    const child = normalize(map[name], path === '' ? name : `${path}.${name}`);
    if (child !== undefined) entries.push([name, child]);
  }
  // An empty volume source or probe handler says something by being there.
  const meaningful = /\.(emptyDir|httpGet|exec|tcpSocket|grpc)$/.test(path);
  if (entries.length === 0 && !meaningful) return undefined;
  return Object.fromEntries(entries);
}
