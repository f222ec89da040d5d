// The service specs of the cases: their format is that of cli/spec, so that nothing but their shape is checked here. Pure.
import type {
  NeutralConfigMount,
  NeutralContainer,
  NeutralDriver,
  NeutralHealthcheck,
  NeutralHook,
  NeutralResources,
  NeutralSpec,
  NeutralVolume,
  NeutralVolumeMount,
} from '#cli/spec/neutral-spec.ts';
import { fieldsOf, flagOf, list, map, numberOf, recordOf, textOf, wordOf } from './shape.ts';

const texts = list(textOf);
const words = map(wordOf);

/** What a case gives as a number of octal digits or as text. */
function modeOf(value: unknown, path: string): string | number {
  return typeof value === 'number' ? numberOf(value, path) : textOf(value, path);
}

/** Its text, or an object with that. */
function caddyOf(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  return textOf(fieldsOf(value, path)['config'] ?? '', `${path}.config`);
}

const driver = recordOf<NeutralDriver>({ name: textOf, options: words }, ['name']);

const healthcheck = recordOf<NeutralHealthcheck>({
  test: texts,
  interval: textOf,
  timeout: textOf,
  startPeriod: textOf,
  startInterval: textOf,
  retries: numberOf,
  disable: flagOf,
});

const resources = recordOf<NeutralResources>({
  cpu: numberOf,
  memory: numberOf,
  memoryReservation: numberOf,
  sharedMemory: numberOf,
  devices: list(
    recordOf<NonNullable<NeutralResources['devices']>[number]>(
      { hostPath: textOf, containerPath: textOf, permissions: textOf },
      ['hostPath'],
    ),
  ),
  deviceReservations: list(
    recordOf<NonNullable<NeutralResources['deviceReservations']>[number]>({
      driver: textOf,
      count: numberOf,
      deviceIDs: texts,
      capabilities: list(texts),
      options: words,
    }),
  ),
  ulimits: map(
    recordOf<{ readonly soft: number; readonly hard: number }>({ soft: numberOf, hard: numberOf }, [
      'soft',
      'hard',
    ]),
  ),
});

const volumeMount = recordOf<NeutralVolumeMount>(
  { volume: textOf, path: textOf, readOnly: flagOf },
  ['volume', 'path'],
);

const configMount = recordOf<NeutralConfigMount>(
  { config: textOf, path: textOf, uid: wordOf, gid: wordOf, mode: modeOf },
  ['config'],
);

const container = recordOf<NeutralContainer>(
  {
    image: textOf,
    command: texts,
    entrypoint: texts,
    env: words,
    user: wordOf,
    init: flagOf,
    privileged: flagOf,
    pidMode: textOf,
    capAdd: texts,
    capDrop: texts,
    sysctls: words,
    pullPolicy: textOf,
    logDriver: driver,
    healthcheck,
    stopGracePeriod: textOf,
    resources,
    volumeMounts: list(volumeMount),
    configMounts: list(configMount),
  },
  ['image'],
);

const volumeType = (value: unknown, path: string): NeutralVolume['type'] =>
  // Whether it is one of the three, the spec's own check says.
  textOf(value, path) as NeutralVolume['type'];

export const readVolume = recordOf<NeutralVolume>(
  {
    name: textOf,
    type: volumeType,
    volumeName: textOf,
    external: flagOf,
    driver: textOf,
    driverOpts: words,
    labels: words,
    noCopy: flagOf,
    subPath: textOf,
    hostPath: textOf,
    createHostPath: flagOf,
    propagation: textOf,
    recursive: textOf,
    sizeBytes: numberOf,
    mode: numberOf,
  },
  ['name', 'type'],
);

const hook = recordOf<NeutralHook>({
  command: texts,
  env: words,
  privileged: flagOf,
  timeout: textOf,
  user: wordOf,
});

export const readSpec = recordOf<NeutralSpec>(
  {
    name: textOf,
    mode: textOf,
    replicas: numberOf,
    container,
    placement: recordOf<NonNullable<NeutralSpec['placement']>>({ machines: texts }),
    ports: texts,
    caddy: caddyOf,
    volumes: list(readVolume),
    configs: list(
      recordOf<{ readonly name: string; readonly content: string }>(
        { name: textOf, content: textOf },
        ['name', 'content'],
      ),
    ),
    updateConfig: recordOf<NonNullable<NeutralSpec['updateConfig']>>({
      order: textOf,
      monitorPeriod: wordOf,
    }),
    preDeploy: hook,
  },
  ['container'],
);
