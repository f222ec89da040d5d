// The Pod template of a Service: PodSpec from the corpus of built-in types, less what the plan decides about.
import { componentSchema } from '#controlplane/api/schema/corpus.ts';
import { MAXIMUM } from './fields.ts';
import { openAPISchemaOf } from './open-api-schema.ts';
import type { OpenAPISchema } from './open-api-schema.ts';

/** Fields of a PodSpec that a template must not have: the plan decides about them, or they belong to running Pods only. */
const NOT_IN_TEMPLATES = new Set(['nodeName', 'ephemeralContainers', 'schedulingGates']);

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

export function podTemplate(): OpenAPISchema {
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
      },
    },
  };
}
