// Cases about Compose files: read as `windlass deploy -f compose.yaml` reads them, and the fields that a case names translated back.
import { readCompose } from '#cli/compose/read-compose.ts';
import { parseDuration } from '#controllers/machinery/duration.ts';
import { DEFAULTS } from '#controllers/service/settings.ts';
import type { Hook, ServiceSpec, UpdateOrder } from '#controllers/service/types.ts';
import { outcomeOf } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import { textOption } from './service-case.ts';
import type { Expected, ServiceCase } from './service-case.ts';
import { textOf } from './shape.ts';
import type { Fields } from './shape.ts';

/** Of ports without a hostname; no case of this kind is about them. */
const USUAL_DOMAIN = 'cases.internal';

const ORDERS: Readonly<Record<UpdateOrder, string>> = {
  Auto: '',
  StartFirst: 'start-first',
  StopFirst: 'stop-first',
};

export function playCompose(one: ServiceCase): Outcome {
  const project = readCompose({
    file: 'compose.yaml',
    text: textOf(one.spec['compose'], 'spec.compose'),
    variables: {},
    readFile: (path) => {
      throw new Error(`${path}: cases have no files`);
    },
    clusterDomain: textOption(one, 'clusterDomain') ?? USUAL_DOMAIN,
  });
  const [wanted] = one.expected;
  if (wanted?.op !== 'spec') return outcomeOf({ op: 'accept' });
  const manifest = project.manifests.find(({ object }) => object.kind === 'Service');
  if (manifest === undefined) throw new Error('the file has no service');
  return outcomeOf(neutral(manifest.object['spec'] as ServiceSpec, wanted));
}

/** Fields of the format, spelled as `wanted` does where there are two ways. */
function neutral(spec: ServiceSpec, wanted: Expected): Expected {
  const { updateStrategy = {}, placement, engine = {}, hooks, mode } = spec;
  const { order = 'Auto' } = updateStrategy;
  // What is said of updates is said with the default; where nothing is, the case decides whether it names that.
  const isNamed =
    updateStrategy.order !== undefined || 'monitorPeriod' in fieldsOf(wanted['updateConfig']);
  const { monitorPeriod = isNamed ? DEFAULTS.monitorPeriod : undefined } = updateStrategy;
  const [container] = spec.template.spec.containers;
  const word = ORDERS[order];
  return {
    op: 'spec',
    mode: mode === 'Global' ? 'global' : 'replicated',
    replicas: spec.replicas,
    image: container?.image,
    updateConfig: {
      ...(word === '' ? {} : { order: word }),
      ...(monitorPeriod === undefined ? {} : { monitorPeriod }),
    },
    placement: { machines: placement?.nodes ?? [] },
    ulimits: Object.fromEntries(
      (engine.ulimits ?? []).map(({ name, soft, hard }) => [name, { soft, hard }]),
    ),
    devices: engine.devices ?? [],
    deviceReservations: (engine.deviceRequests ?? []).map((request, index) =>
      asSpelled(request, wanted['deviceReservations'], index),
    ),
    ...(hooks?.preDeploy === undefined
      ? {}
      : { preDeploy: neutralHook(hooks.preDeploy, fieldsOf(wanted['preDeploy'])) }),
  };
}

function neutralHook(hook: Hook, wanted: Fields): Fields {
  const { args = [], command = [], env = [], timeout, securityContext = {} } = hook;
  const { privileged, runAsUser, runAsGroup } = securityContext;
  const numbers = [runAsUser, runAsGroup].filter((id) => id !== undefined).join(':');
  const user = numbers === '0' && wanted['user'] === 'root' ? 'root' : numbers;
  return {
    command: args.length > 0 ? args : command,
    ...(env.length === 0
      ? {}
      : { env: Object.fromEntries(env.map(({ name, value }) => [name, value])) }),
    ...(privileged === undefined ? {} : { privileged }),
    ...(timeout === undefined ? {} : { timeout: spelled(timeout, wanted['timeout']) }),
    ...(user === '' ? {} : { user }),
  };
}

/** Capabilities of a device are a set: in the order, and as often, as the case has them. */
function asSpelled(request: object, wanted: unknown, index: number): object {
  const sets = (of: unknown): string =>
    JSON.stringify(listsOf(of).map((words) => [...new Set(words.map(String))].toSorted()));
  const spelledThere = Array.isArray(wanted) ? fieldsOf(wanted[index])['capabilities'] : undefined;
  const { capabilities } = fieldsOf(request);
  return capabilities !== undefined && sets(capabilities) === sets(spelledThere)
    ? { ...request, capabilities: spelledThere }
    : request;
}

function listsOf(value: unknown): readonly (readonly unknown[])[] {
  return Array.isArray(value) ? value.filter((item): item is unknown[] => Array.isArray(item)) : [];
}

/** `120s` is `2m`. */
function spelled(duration: string, wanted: unknown): string {
  const isSame = typeof wanted === 'string' && parseDuration(wanted) === parseDuration(duration);
  return isSame ? wanted : duration;
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}
