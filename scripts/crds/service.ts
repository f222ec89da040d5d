// The source of deploy/crds/windlass.dev_services.yaml: our own fields by hand, the Pod template from the corpus of built-in types.
import { componentSchema } from '#controlplane/api/schema/corpus.ts';
import { openAPISchemaOf } from './open-api-schema.ts';
import type { OpenAPISchema } from './open-api-schema.ts';
import { podRules, rootRules, specRules, updateStrategyRules } from './service-rules.ts';

const DURATION = '^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$';

/** Fields of a PodSpec that a template must not have: the plan decides about them, or they belong to running Pods only. */
const NOT_IN_TEMPLATES = new Set(['nodeName', 'ephemeralContainers', 'schedulingGates']);

function duration(description: string, value: string): OpenAPISchema {
  return { type: 'string', pattern: DURATION, maxLength: 32, default: value, description };
}

/** How many there may be of what rules run over; far above what anybody has. */
const MAXIMUM = 64;

function propertiesOf(schema: OpenAPISchema | undefined): Readonly<Record<string, OpenAPISchema>> {
  return (schema?.['properties'] ?? {}) as Readonly<Record<string, OpenAPISchema>>;
}

/** A list of things with names, both bounded: rules compare each with each. */
function boundedList(
  list: OpenAPISchema | undefined,
  nameLength: number,
  more: Readonly<Record<string, OpenAPISchema>> = {},
): OpenAPISchema {
  const items = (list?.['items'] ?? {}) as OpenAPISchema;
  const properties = propertiesOf(items);
  const name = { ...properties['name'], maxLength: nameLength };
  return {
    ...list,
    maxItems: MAXIMUM,
    items: { ...items, properties: { ...properties, name, ...more } },
  };
}

function boundedContainers(list: OpenAPISchema | undefined): OpenAPISchema {
  const { ports, volumeMounts } = propertiesOf(list?.['items'] as OpenAPISchema | undefined);
  return {
    ...boundedList(list, 63, {
      ports: boundedList(ports, 15),
      volumeMounts: boundedList(volumeMounts, 63),
    }),
    maxItems: 32,
  };
}

function podTemplate(): OpenAPISchema {
  const component = componentSchema('io.k8s.api.core.v1.PodSpec');
  if (component === undefined) throw new Error('The corpus has no PodSpec');
  const spec = openAPISchemaOf(component);
  const properties = Object.fromEntries(
    Object.entries(spec['properties'] as Record<string, OpenAPISchema>).filter(
      ([name]) => !NOT_IN_TEMPLATES.has(name),
    ),
  );
  const texts = { type: 'object', additionalProperties: { type: 'string' } };
  return {
    type: 'object',
    description: 'What each instance is: a Pod template, as in a Deployment.',
    required: ['spec'],
    properties: {
      metadata: {
        type: 'object',
        description: 'Labels and annotations of the Pods.',
        properties: {
          annotations: texts,
          creationTimestamp: { type: 'string', format: 'date-time', nullable: true },
          labels: texts,
        },
      },
      spec: {
        ...spec,
        properties: {
          ...properties,
          containers: { ...boundedContainers(properties['containers']), minItems: 1 },
          initContainers: boundedContainers(properties['initContainers']),
          volumes: boundedList(properties['volumes'], 63),
          restartPolicy: {
            type: 'string',
            enum: ['Always'],
            description: 'Instances of a service are always restarted.',
          },
        },
        'x-kubernetes-validations': podRules,
      },
    },
  };
}

const updateStrategy: OpenAPISchema = {
  type: 'object',
  default: {},
  description: 'How instances are replaced when the template changes.',
  'x-kubernetes-validations': updateStrategyRules,
  properties: {
    type: {
      type: 'string',
      enum: ['Rolling', 'Recreate'],
      default: 'Rolling',
      description:
        'Rolling replaces a few instances at a time. Recreate stops all old instances before the first new one starts.',
    },
    order: {
      type: 'string',
      enum: ['Auto', 'StartFirst', 'StopFirst'],
      default: 'Auto',
      description:
        'What comes first when an instance is replaced. Auto starts the new one first, unless both would need the same host port, or one named volume that may have one writer only.',
    },
    maxParallel: {
      type: 'integer',
      format: 'int32',
      minimum: 1,
      default: 1,
      description: 'How many instances are replaced at the same time.',
    },
    delay: duration('Pause between one replaced instance and the next: 30s, 5m, 1h30m.', '0s'),
    monitorPeriod: duration(
      'How long a new instance without a readiness or startup probe must run before it counts as available.',
      '5s',
    ),
    progressDeadline: duration(
      'How long a new instance may take to become available before the rollout counts as failed.',
      '5m',
    ),
    failureAction: {
      type: 'string',
      enum: ['Pause', 'Rollback'],
      default: 'Pause',
      description:
        'What a failed rollout leads to. Pause keeps what serves and restores what was stopped; Rollback brings every instance back to the revision before.',
    },
  },
};

const spec: OpenAPISchema = {
  type: 'object',
  description: 'What is wanted.',
  'x-kubernetes-validations': specRules,
  required: ['template'],
  properties: {
    mode: {
      type: 'string',
      enum: ['Replicated', 'Global'],
      default: 'Replicated',
      description: 'Replicated runs spec.replicas instances, Global one on each eligible node.',
    },
    replicas: {
      type: 'integer',
      format: 'int32',
      minimum: 0,
      default: 1,
      description: 'Number of instances in mode Replicated; 0 keeps the service without any.',
    },
    template: podTemplate(),
    ingress: {
      type: 'array',
      description: 'Ports on 127.0.0.1 of each node that lead to the available instances there.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['port'],
      maxItems: MAXIMUM,
      items: {
        type: 'object',
        required: ['port', 'targetPort'],
        properties: {
          port: {
            type: 'integer',
            format: 'int32',
            minimum: 1,
            maximum: 65_535,
            description: 'Port on the node.',
          },
          targetPort: {
            anyOf: [{ type: 'integer' }, { type: 'string' }],
            'x-kubernetes-int-or-string': true,
            description: 'A container port of the template, by number or name.',
          },
          protocol: {
            type: 'string',
            enum: ['TCP'],
            default: 'TCP',
            description: 'TCP is forwarded as it is.',
          },
        },
      },
    },
    updateStrategy,
    paused: {
      type: 'boolean',
      default: false,
      description:
        'Holds updates back: what runs is kept and repaired, a changed template is not rolled out.',
    },
    revisionHistoryLimit: {
      type: 'integer',
      format: 'int32',
      minimum: 0,
      default: 10,
      description: 'How many earlier revisions are kept to return to.',
    },
  },
};

function count(description: string): OpenAPISchema {
  return { type: 'integer', format: 'int32', description };
}

function text(description: string): OpenAPISchema {
  return { type: 'string', description };
}

const status: OpenAPISchema = {
  type: 'object',
  description: 'What is there. Written by the service controller.',
  properties: {
    observedGeneration: {
      type: 'integer',
      format: 'int64',
      description: 'Generation of the spec that this status is about.',
    },
    replicas: count('Instances that exist and are not stopping.'),
    desiredReplicas: count('Instances that the spec asks for.'),
    readyReplicas: count('Instances that are ready.'),
    updatedReplicas: count('Instances of the revision that the spec describes.'),
    availableReplicas: count('Instances that are ready and were watched long enough.'),
    currentRevision: text('Hash of the newest revision that was rolled out completely.'),
    updateRevision: text('Hash of the revision that the spec describes.'),
    revision: {
      type: 'integer',
      format: 'int64',
      description: 'Number of the revision that the spec describes.',
    },
    selector: text('Label selector of the instances, for the scale subresource.'),
    conditions: {
      type: 'array',
      description: 'Ready, Progressing, Degraded and RolledBack.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
      items: {
        type: 'object',
        required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
        properties: {
          type: { type: 'string', maxLength: 316 },
          status: { type: 'string', enum: ['True', 'False', 'Unknown'] },
          reason: { type: 'string', minLength: 1, maxLength: 1024 },
          message: { type: 'string', maxLength: 32_768 },
          observedGeneration: { type: 'integer', format: 'int64', minimum: 0 },
          lastTransitionTime: { type: 'string', format: 'date-time' },
        },
      },
    },
    plan: {
      type: 'object',
      description: 'The plan being carried out; absent when there is nothing to do.',
      properties: {
        summary: text('How many operations are done, in progress and pending.'),
        operations: {
          type: 'array',
          'x-kubernetes-list-type': 'atomic',
          items: {
            type: 'object',
            required: ['op', 'state', 'reasons'],
            properties: {
              op: { type: 'string', enum: ['run', 'replace', 'remove'] },
              node: { type: 'string' },
              pod: { type: 'string' },
              order: { type: 'string', enum: ['start-first', 'stop-first'] },
              state: {
                type: 'string',
                enum: ['Pending', 'InProgress', 'Waiting', 'Done', 'Failed'],
              },
              reasons: {
                type: 'array',
                items: { type: 'string' },
                'x-kubernetes-list-type': 'atomic',
              },
            },
          },
        },
      },
    },
  },
};

export const serviceDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'services.windlass.dev' },
  spec: {
    group: 'windlass.dev',
    names: {
      kind: 'Service',
      listKind: 'ServiceList',
      plural: 'services',
      singular: 'service',
      shortNames: ['wsvc'],
      categories: ['all'],
    },
    scope: 'Namespaced',
    // The default, written out so that a server's stored copy is equal to this one.
    conversion: { strategy: 'None' },
    versions: [
      {
        name: 'v1alpha1',
        served: true,
        storage: true,
        additionalPrinterColumns: [
          { name: 'Mode', type: 'string', jsonPath: '.spec.mode' },
          {
            name: 'Ready',
            type: 'integer',
            jsonPath: '.status.readyReplicas',
            description: 'Instances that are ready.',
          },
          {
            name: 'Desired',
            type: 'integer',
            jsonPath: '.status.desiredReplicas',
            description: 'Instances that the spec asks for.',
          },
          {
            name: 'Updated',
            type: 'integer',
            jsonPath: '.status.updatedReplicas',
            description: 'Instances of the newest revision.',
          },
          {
            name: 'Available',
            type: 'integer',
            jsonPath: '.status.availableReplicas',
            description: 'Instances that are ready and were watched long enough.',
          },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
          { name: 'Revision', type: 'integer', priority: 1, jsonPath: '.status.revision' },
          {
            name: 'Status',
            type: 'string',
            priority: 1,
            jsonPath: '.status.conditions[?(@.type=="Progressing")].reason',
          },
          {
            name: 'Image',
            type: 'string',
            priority: 1,
            jsonPath: '.spec.template.spec.containers[0].image',
          },
        ],
        subresources: {
          status: {},
          scale: {
            specReplicasPath: '.spec.replicas',
            statusReplicasPath: '.status.replicas',
            labelSelectorPath: '.status.selector',
          },
        },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            description:
              'A service: instances of one program, kept running and updated without a gap.',
            required: ['spec'],
            'x-kubernetes-validations': rootRules,
            properties: {
              apiVersion: { type: 'string' },
              kind: { type: 'string' },
              metadata: { type: 'object' },
              spec,
              status,
            },
          },
        },
      },
    ],
  },
} as const;
