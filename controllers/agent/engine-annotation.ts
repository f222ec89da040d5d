// What a Pod asks of the engine that runs its containers and has no word for in its spec: the annotation windlass.dev/engine, as
// JSON. It is somebody's text: whatever is in it, the answer is options or an error that says what to change. Pure.
import { ONE, parseQuantity } from '../machinery/quantity.ts';
import { StartError } from '../runtimes/runtime.ts';
import type { DeviceRequest, EngineOptions } from '../runtimes/runtime.ts';
import type { Pod } from './pod.ts';

export const ENGINE_ANNOTATION = 'windlass.dev/engine';

type JsonMap = Readonly<Record<string, unknown>>;

interface AskedOptions extends EngineOptions {
  /** Whether the health check of an image counts where a container has no probes; it does where nothing is said. */
  readonly imageHealthCheck?: boolean;
}

/** @throws StartError CreateContainerConfigError naming the field, and what was found in it */
export function engineOptionsOf(pod: Pod): AskedOptions {
  const text = pod.metadata.annotations?.[ENGINE_ANNOTATION];
  if (text === undefined || text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw wrong('', `is not valid JSON (${(error as Error).message})`);
  }
  const engine = map('', value);
  const known = new Set<string>(FIELDS);
  const unknown = Object.keys(engine).find((name) => !known.has(name));
  if (unknown !== undefined) throw wrong(unknown, `is no field of it: it has ${FIELDS.join(', ')}`);
  const { sharedMemory } = engine;
  return {
    ...given('logDriver', engine, (value) => logDriver(map('logDriver', value))),
    ...given('init', engine, (value) => flag('init', value)),
    ...given('ulimits', engine, (value) => list('ulimits', value).map(ulimit)),
    ...given('devices', engine, (value) => list('devices', value).map(device)),
    ...given('deviceRequests', engine, (value) => list('deviceRequests', value).map(request)),
    ...(sharedMemory === undefined || sharedMemory === null
      ? {}
      : { sharedMemoryBytes: bytes('sharedMemory', sharedMemory) }),
    ...given('stopSignal', engine, (value) => signal('stopSignal', value)),
    ...given('imageHealthCheck', engine, (value) => flag('imageHealthCheck', value)),
    ...given('user', engine, (value) => textOf('user', value)),
  };
}

const FIELDS = [
  'logDriver',
  'init',
  'ulimits',
  'devices',
  'deviceRequests',
  'sharedMemory',
  'stopSignal',
  'imageHealthCheck',
  'user',
] as const;

function given<Name extends string, T>(
  name: Name,
  from: JsonMap,
  read: (value: unknown) => T,
): Partial<Record<Name, T>> {
  const value = from[name];
  if (value === undefined || value === null) return {};
  return { [name]: read(value) } as Record<Name, T>;
}

function logDriver(value: JsonMap): NonNullable<EngineOptions['logDriver']> {
  return {
    name: textOf('logDriver.name', value['name']),
    options: textMap('logDriver.options', value['options']),
  };
}

function ulimit(value: unknown, index: number): NonNullable<EngineOptions['ulimits']>[number] {
  const path = `ulimits[${index}]`;
  const fields = map(path, value);
  return {
    name: textOf(`${path}.name`, fields['name']),
    soft: integer(`${path}.soft`, fields['soft']),
    hard: integer(`${path}.hard`, fields['hard']),
  };
}

function device(value: unknown, index: number): NonNullable<EngineOptions['devices']>[number] {
  const path = `devices[${index}]`;
  const fields = map(path, value);
  const hostPath = textOf(`${path}.hostPath`, fields['hostPath']);
  const permissions = textOf(`${path}.permissions`, fields['permissions'] ?? 'rwm');
  if (!/^[rwm]{1,3}$/.test(permissions))
    throw wrong(`${path}.permissions`, `is ${show(permissions)}: use letters of rwm`);
  return {
    hostPath,
    containerPath: textOf(`${path}.containerPath`, fields['containerPath'] ?? hostPath),
    permissions,
  };
}

function request(value: unknown, index: number): DeviceRequest {
  const path = `deviceRequests[${index}]`;
  const fields = map(path, value);
  const alternatives = list(`${path}.capabilities`, fields['capabilities'] ?? []);
  return {
    ...given('driver', fields, (driver) => textOf(`${path}.driver`, driver)),
    ...given('count', fields, (count) => integer(`${path}.count`, count)),
    deviceIDs: texts(`${path}.deviceIDs`, fields['deviceIDs'] ?? []),
    capabilities: alternatives.map((all, at) => texts(`${path}.capabilities[${at}]`, all)),
    options: textMap(`${path}.options`, fields['options']),
  };
}

function bytes(path: string, value: unknown): number {
  const quantity =
    typeof value === 'string' || typeof value === 'number'
      ? parseQuantity(String(value))
      : undefined;
  if (quantity === undefined || quantity <= 0n)
    throw wrong(path, `is ${show(value)}: use a size such as 64Mi`);
  return Number(quantity / ONE);
}

function signal(path: string, value: unknown): string {
  const name = textOf(path, value);
  if (!/^(SIG)?[A-Z0-9+]{1,12}$/.test(name))
    throw wrong(path, `is ${show(value)}: use a name such as SIGQUIT`);
  return name;
}

function map(path: string, value: unknown): JsonMap {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonMap;
  throw wrong(path, `is ${show(value)}: use an object`);
}

function list(path: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw wrong(path, `is ${show(value)}: use a list`);
}

function texts(path: string, value: unknown): readonly string[] {
  return list(path, value).map((one, index) => textOf(`${path}[${index}]`, one));
}

function textMap(path: string, value: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(map(path, value ?? {}));
  return Object.fromEntries(entries.map(([name, one]) => [name, textOf(`${path}.${name}`, one)]));
}

function textOf(path: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw wrong(path, value === undefined ? 'is missing' : `is ${show(value)}: use a text`);
}

function integer(path: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw wrong(path, value === undefined ? 'is missing' : `is ${show(value)}: use a whole number`);
}

function flag(path: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw wrong(path, `is ${show(value)}: use true or false`);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}

function wrong(path: string, why: string): StartError {
  const field = path === '' ? '' : ` field ${path}`;
  return new StartError(
    'CreateContainerConfigError',
    `Annotation ${ENGINE_ANNOTATION}:${field} ${why}`,
  );
}
