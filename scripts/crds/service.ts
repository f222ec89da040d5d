// The source of deploy/crds/windlass.dev_services.yaml.
import { rootRules } from './service-rules.ts';
import { spec } from './service-spec.ts';
import { status } from './service-status.ts';

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
