// In which fields do two specs differ, when order and defaults are left aside that mean nothing to anybody? The predicates of the design
// rules ask. Pure.
import { isDeepStrictEqual } from 'node:util';
import { canonicalImageText } from '#controllers/machinery/image-reference.ts';
import type { NeutralSpec, NeutralVolume } from '#cli/spec/neutral-spec.ts';

/** `container.image`, `placement` …, and `container.resources.cpu` below resources. */
export type FieldPath = string;

/** Ports are told apart: `ports.host` needs new instances, `ports.ingress` does not. */
export function differingFields(from: NeutralSpec, to: NeutralSpec): ReadonlySet<FieldPath> {
  const before = flattened(from);
  const after = flattened(to);
  const paths = new Set([...before.keys(), ...after.keys()]);
  return new Set(
    [...paths].filter((path) => !isDeepStrictEqual(before.get(path), after.get(path))),
  );
}

const PLAIN = ['mode', 'caddy', 'updateConfig', 'preDeploy', 'replicas'] as const;

function flattened(spec: NeutralSpec): ReadonlyMap<FieldPath, unknown> {
  const fields = new Map<FieldPath, unknown>();
  const put = (path: FieldPath, value: unknown): void => {
    const plain = pruned(value);
    if (plain !== undefined) fields.set(path, plain);
  };
  for (const name of PLAIN) put(name, spec[name]);
  put('caddy', spec.caddy?.trim());
  put('mode', spec.mode === 'replicated' ? undefined : spec.mode);
  put('placement', spec.placement?.machines);
  const ports = (spec.ports ?? []).toSorted();
  put('ports.host', ports.filter(isHost));
  put(
    'ports.ingress',
    ports.filter((text) => !isHost(text)),
  );
  const { resources = {}, ...container } = spec.container;
  for (const [name, value] of Object.entries(container)) put(`container.${name}`, value);
  for (const name of ['volumeMounts', 'configMounts'] as const)
    put(`container.${name}`, sorted(container[name] ?? []));
  for (const [name, value] of Object.entries(resources)) put(`container.resources.${name}`, value);
  const files = new Set((container.configMounts ?? []).map(({ config }) => config));
  const configs = sorted(spec.configs ?? []) as NonNullable<NeutralSpec['configs']>;
  put(
    'configs.mounted',
    configs.filter(({ name }) => files.has(name)),
  );
  put(
    'configs.unmounted',
    configs.filter(({ name }) => !files.has(name)),
  );
  const mounted = new Set((container.volumeMounts ?? []).map(({ volume }) => volume));
  const volumes = sorted(spec.volumes ?? []) as readonly NeutralVolume[];
  put(
    'volumes.mounted',
    volumes.filter(({ name }) => mounted.has(name)),
  );
  put(
    'volumes.unmounted',
    volumes.filter(({ name }) => !mounted.has(name)),
  );
  return fields;
}

function isHost(port: string): boolean {
  return port.endsWith('@host');
}

function sorted(list: readonly unknown[]): readonly unknown[] {
  return list.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

/** Without what is empty; undefined for nothing. */
function pruned(value: unknown): unknown {
  if (value === null || value === '' || value === false || value === 0) return undefined;
  if (Array.isArray(value)) return value.length === 0 ? undefined : (value as unknown);
  if (typeof value !== 'object') return value;
  const entries = Object.entries(value)
    .map(([name, item]) => [name, pruned(item)] as const)
    .filter(([, item]) => item !== undefined);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** Two ways of writing one image. */
export function isSameImage(from: NeutralSpec, to: NeutralSpec): boolean {
  return canonicalImageText(from.container.image) === canonicalImageText(to.container.image);
}
