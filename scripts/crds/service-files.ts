// What a Service brings to its instances beside the Pod template: volumes, files, and what a PodSpec has no word for.
import { count, flag, keyed, label, text, textMap, texts } from './fields.ts';
import type { OpenAPISchema } from './open-api-schema.ts';
import { configRules, ulimitRules, volumeRules } from './service-rules.ts';

const driver: OpenAPISchema = {
  type: 'object',
  required: ['name'],
  description: 'What keeps it, where the runtime has drivers. A volume that exists must match.',
  properties: {
    name: { ...text('For example local.'), minLength: 1, maxLength: 128 },
    options: textMap('Of the driver.'),
  },
};

export const volumes = keyed(
  'Named volumes, kept on the node where they were made. Mount them by their name in volumeMounts; instances go where their volumes are.',
  ['name'],
  {
    type: 'object',
    required: ['name'],
    'x-kubernetes-validations': volumeRules,
    properties: {
      name: label('As in volumeMounts.'),
      claimName: label(
        'Name of the PersistentVolumeClaim; services that name the same one share it. Default: the name.',
      ),
      external: flag('It must be there already: it is never made, and never changed.', false),
      driver,
      labels: textMap('Of the PersistentVolumeClaim.'),
      size: {
        anyOf: [{ type: 'integer' }, { type: 'string' }],
        'x-kubernetes-int-or-string': true,
        description:
          'What is asked for, as 10Gi; default 1Gi. A node-local volume is not limited to it.',
      },
    },
  },
);

const mounts: OpenAPISchema = {
  type: 'array',
  maxItems: 32,
  'x-kubernetes-list-type': 'atomic',
  description: 'Where it appears as a file; without any: at /NAME in each container.',
  items: {
    type: 'object',
    properties: {
      path: {
        ...text('Absolute path of the file in the container; default /NAME.'),
        pattern: '^/',
        maxLength: 1024,
      },
      container: text('Name of a container; default all of them.'),
      mode: {
        ...count('Permissions of the file, as in chmod; default 0444 (292).'),
        minimum: 0,
        maximum: 0o777,
      },
      uid: { type: 'integer', format: 'int64', minimum: 0, description: 'Owner of the file.' },
      gid: { type: 'integer', format: 'int64', minimum: 0, description: 'Group of the file.' },
    },
  },
};

export const configs = keyed(
  'Files with content that is written here. A change makes new instances.',
  ['name'],
  {
    type: 'object',
    required: ['name'],
    'x-kubernetes-validations': configRules,
    properties: {
      name: label('Tells it from the others.'),
      content: { ...text('Content of the file.'), maxLength: 1_048_576 },
      binaryContent: {
        type: 'string',
        format: 'byte',
        maxLength: 1_400_000,
        description: 'Content of the file in base64, instead of content.',
      },
      mounts,
    },
  },
  32,
);

export const secrets = keyed(
  'Files with the content of a key of a Secret. A change of the Secret makes new instances.',
  ['name'],
  {
    type: 'object',
    required: ['name'],
    properties: {
      name: label('Tells it from the others.'),
      secretName: { ...text('Name of the Secret; default: the name.'), maxLength: 253 },
      key: { ...text('Key of the Secret; default: the name.'), maxLength: 253 },
      mounts,
    },
  },
  32,
);

const list = (description: string, items: OpenAPISchema): OpenAPISchema => ({
  type: 'array',
  maxItems: 64,
  'x-kubernetes-list-type': 'atomic',
  description,
  items,
});

export const engine: OpenAPISchema = {
  type: 'object',
  description:
    'What a Pod template has no word for; for runtimes that run containers, all of an instance.',
  properties: {
    logDriver: {
      type: 'object',
      required: ['name'],
      description:
        'What keeps the logs. With another one than local or json-file, windlass and kubectl may have none to show.',
      properties: {
        name: { ...text('local, json-file …'), minLength: 1 },
        options: textMap('Of the driver.'),
      },
    },
    init: flag('Run an init process that forwards signals and reaps children.'),
    ulimits: keyed('Limits of the processes.', ['name'], {
      type: 'object',
      required: ['name', 'soft', 'hard'],
      properties: {
        name: { ...text('As in setrlimit: nofile, nproc …'), minLength: 1, maxLength: 32 },
        soft: { type: 'integer', format: 'int64', minimum: -1 },
        hard: { type: 'integer', format: 'int64', minimum: -1 },
      },
      'x-kubernetes-validations': ulimitRules,
    }),
    devices: list('Devices of the node.', {
      type: 'object',
      required: ['hostPath'],
      properties: {
        hostPath: { ...text('On the node.'), pattern: '^/' },
        containerPath: { ...text('In the container; default as on the node.'), pattern: '^/' },
        permissions: { ...text('Of r, w and m; default rwm.'), pattern: '^[rwm]{1,3}$' },
      },
    }),
    deviceRequests: list('Devices that a driver picks, as GPUs.', {
      type: 'object',
      properties: {
        driver: text('For example nvidia or cdi.'),
        count: { type: 'integer', format: 'int32', minimum: -1, description: '-1 for all.' },
        deviceIDs: texts('Instead of a count.'),
        capabilities: list('Alternatives, each a list of what the device must be able to do.', {
          type: 'array',
          items: { type: 'string' },
        }),
        options: textMap('Of the driver.'),
      },
    }),
    sharedMemory: {
      anyOf: [{ type: 'integer' }, { type: 'string' }],
      'x-kubernetes-int-or-string': true,
      description: 'Size of /dev/shm, as 64Mi.',
    },
    stopSignal: {
      ...text('Sent to stop an instance: SIGTERM, SIGQUIT …; default as the image says.'),
      pattern: '^(SIG)?[A-Z0-9+]{2,12}$',
    },
    imageHealthCheck: flag(
      'false switches the health check off that an image brings; it counts for containers without probes.',
    ),
    user: {
      ...text(
        'USER or USER:GROUP by name, as the image knows them; numbers belong in the securityContext.',
      ),
      pattern: '^[^:\\s]+(:[^:\\s]+)?$',
      maxLength: 256,
    },
  },
};
