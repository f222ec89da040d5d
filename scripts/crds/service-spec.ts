// What is wanted of a Service.
import { flag, keyed, label, texts } from './fields.ts';
import type { OpenAPISchema } from './open-api-schema.ts';
import { configs, engine, secrets, volumes } from './service-files.ts';
import { ingressRules, specRules } from './service-rules.ts';
import { hooks, updateStrategy } from './service-strategy.ts';
import { podTemplate } from './service-template.ts';

const ingress = keyed(
  'Ports of each node that lead to the available instances, as TCP, UDP, or HTTP by host and path.',
  ['port', 'protocol', 'host', 'path'],
  {
    type: 'object',
    required: ['port', 'targetPort'],
    'x-kubernetes-validations': ingressRules,
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
        enum: ['TCP', 'UDP', 'HTTP', 'HTTPS'],
        default: 'TCP',
        description:
          'TCP and UDP are forwarded as they are; HTTP and HTTPS are understood, and go by host and path.',
      },
      host: {
        type: 'string',
        maxLength: 253,
        default: '',
        description:
          'Of HTTP and HTTPS: only requests for this host, as app.example.com or *.example.com. Empty: all.',
      },
      path: {
        type: 'string',
        maxLength: 1024,
        default: '',
        description: 'Of HTTP and HTTPS: only requests below this path, as /api. Empty: all.',
      },
      tls: {
        type: 'object',
        description: 'Of HTTPS: where the connection is decrypted, and with which certificate.',
        properties: {
          mode: {
            type: 'string',
            enum: ['Internal', 'Secret', 'Passthrough'],
            default: 'Internal',
            description:
              "Internal: a certificate of the cluster's own authority. Secret: the one in secretName. Passthrough: the instance decrypts; goes by the host that the client names.",
          },
          secretName: {
            type: 'string',
            maxLength: 253,
            description: 'A Secret of type kubernetes.io/tls in the namespace.',
          },
        },
      },
      redirectFrom: {
        type: 'integer',
        format: 'int32',
        minimum: 0,
        maximum: 65_535,
        description:
          'Of HTTPS: port of each node where plain HTTP for the same host and path is redirected here (308); 0: none. Left out: 80 where port is 443, for what no other entry serves there.',
      },
    },
  },
);

export const spec: OpenAPISchema = {
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
    placement: {
      type: 'object',
      description:
        'Where instances may run, beside what the template says with nodeSelector, affinity, tolerations and topologySpreadConstraints. A change moves only the instances that are not allowed where they are.',
      properties: {
        nodes: texts('Names of the nodes that may have instances; empty: all.'),
      },
    },
    volumes,
    configs,
    secrets,
    engine,
    ingress,
    updateStrategy,
    hooks,
    dependsOn: {
      type: 'array',
      maxItems: 64,
      'x-kubernetes-list-type': 'set',
      description:
        'Services of the same namespace. A new revision is not rolled out before they are ready; what runs is not touched when they are not.',
      items: label('Name of a service.'),
    },
    paused: flag(
      'Holds updates back: what runs is kept and repaired, a changed template is not rolled out.',
      false,
    ),
    revisionHistoryLimit: {
      type: 'integer',
      format: 'int32',
      minimum: 0,
      default: 10,
      description: 'How many earlier revisions are kept to return to.',
    },
  },
};
