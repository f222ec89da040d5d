// The environment and the command line of a container, after Kubernetes' rules: envFrom, then env in order (later wins), `$(VAR)`
// expanded from what came before, `$$` for a dollar sign, unknown references left as they are. Pure: what is referred to is
// handed in.
import type { V1EnvVar, V1ResourceRequirements } from '@kubernetes/client-node';
import { parseQuantity, ONE } from '../machinery/quantity.ts';
import { StartError } from '../runtimes/runtime.ts';
import type { Container, Pod } from './pod.ts';

/** Data of ConfigMaps and Secrets by name, decoded; absent names do not exist. */
export interface References {
  readonly configMaps: ReadonlyMap<string, ReadonlyMap<string, Buffer>>;
  readonly secrets: ReadonlyMap<string, ReadonlyMap<string, Buffer>>;
  /** Service account tokens, by tokenKey() of their sources; absent: none was asked for. */
  readonly tokens?: ReadonlyMap<string, string>;
}

export interface EnvironmentInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly references: References;
  readonly hostIP: string;
  /** PORT and the like: known before, and overridden by, what the Pod says. */
  readonly given: Readonly<Record<string, string>>;
}

const NAME = /^[A-Za-z_.-][A-Za-z0-9_.-]*$/;

/** @throws StartError CreateContainerConfigError naming the object or key that is missing */
export function buildEnvironment(input: EnvironmentInput): Record<string, string> {
  const environment: Record<string, string> = { HOSTNAME: input.pod.metadata.name, ...input.given };
  for (const source of input.container.envFrom ?? []) {
    const prefix = source.prefix ?? '';
    const reference = source.configMapRef ?? source.secretRef;
    if (reference === undefined) continue;
    const kind = source.configMapRef === undefined ? 'secret' : 'configmap';
    const data = find(input.references, kind, reference.name ?? '', reference.optional ?? false);
    for (const [key, value] of data ?? []) {
      const name = `${prefix}${key}`;
      if (NAME.test(name)) environment[name] = value.toString('utf8');
    }
  }
  for (const variable of input.container.env ?? []) {
    const value = valueOf(variable, environment, input);
    if (value !== undefined) environment[variable.name] = value;
  }
  return environment;
}

/** `$(VAR)` → its value, `$$(VAR)` → `$(VAR)`; a reference to nothing stays as it is. */
export function expand(text: string, environment: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([^()\s]+)\)/g, (whole, name: string | undefined) => {
    if (name === undefined) return '$';
    return Object.hasOwn(environment, name) ? (environment[name] ?? whole) : whole;
  });
}

function valueOf(
  variable: V1EnvVar,
  environment: Readonly<Record<string, string>>,
  input: EnvironmentInput,
): string | undefined {
  const from = variable.valueFrom;
  if (from === undefined) return expand(variable.value ?? '', environment);
  if (from.fieldRef !== undefined)
    return fieldValue(from.fieldRef.fieldPath, input.pod, input.hostIP);
  if (from.resourceFieldRef !== undefined) {
    const { resource, divisor, containerName } = from.resourceFieldRef;
    const of = input.pod.spec.containers.find(({ name }) => name === containerName);
    return resourceValue((of ?? input.container).resources, resource, divisor ?? '0');
  }
  const reference = from.configMapKeyRef ?? from.secretKeyRef;
  if (reference === undefined) return undefined;
  const kind = from.configMapKeyRef === undefined ? 'secret' : 'configmap';
  const optional = reference.optional ?? false;
  const data = find(input.references, kind, reference.name ?? '', optional);
  const value = data?.get(reference.key);
  if (value !== undefined) return value.toString('utf8');
  if (optional) return undefined;
  throw configError(
    `Environment variable ${variable.name} of container ${input.container.name}: key ${JSON.stringify(reference.key)} not found in ${kind} ${reference.name ?? ''}`,
  );
}

function find(
  references: References,
  kind: 'configmap' | 'secret',
  name: string,
  optional: boolean,
): ReadonlyMap<string, Buffer> | undefined {
  const found = (kind === 'configmap' ? references.configMaps : references.secrets).get(name);
  if (found !== undefined || optional) return found;
  throw configError(`${kind} "${name}" not found: create it, or mark the reference optional`);
}

/** @throws StartError for a path that Pods do not offer */
export function fieldValue(fieldPath: string, pod: Pod, hostIP: string): string {
  const { metadata, spec } = pod;
  const keyed = /^metadata\.(labels|annotations)\['([^']*)'\]$/.exec(fieldPath);
  if (keyed !== null) {
    const [, map, key = ''] = keyed;
    return (map === 'labels' ? metadata.labels : metadata.annotations)?.[key] ?? '';
  }
  switch (fieldPath) {
    case 'metadata.name':
      return metadata.name;
    case 'metadata.namespace':
      return metadata.namespace ?? '';
    case 'metadata.uid':
      return metadata.uid;
    case 'metadata.labels':
      return formatMap(metadata.labels);
    case 'metadata.annotations':
      return formatMap(metadata.annotations);
    case 'spec.nodeName':
      return spec.nodeName ?? '';
    case 'spec.serviceAccountName':
      return spec.serviceAccountName ?? '';
    case 'status.hostIP':
    case 'status.hostIPs':
      return hostIP;
    case 'status.podIP':
      return pod.status?.podIP ?? hostIP;
    case 'status.podIPs':
      return (pod.status?.podIPs ?? [{ ip: hostIP }]).map(({ ip }) => ip).join(',');
    default:
      throw configError(`fieldRef ${JSON.stringify(fieldPath)} is no field that Pods offer`);
  }
}

function formatMap(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}

/** `limits.cpu` in whole cores, `limits.memory` in bytes, rounded up after division; 0 where none is set. */
export function resourceValue(
  resources: V1ResourceRequirements | undefined,
  resource: string,
  divisor: string,
): string {
  const [list, ...rest] = resource.split('.');
  const amounts = list === 'requests' ? resources?.requests : resources?.limits;
  const amount = parseQuantity(amounts?.[rest.join('.')] ?? '0') ?? 0n;
  const parsed = parseQuantity(divisor) ?? 0n;
  const unit = parsed > 0n ? parsed : ONE;
  return String((amount + unit - 1n) / unit);
}

function configError(message: string): StartError {
  return new StartError('CreateContainerConfigError', message);
}
