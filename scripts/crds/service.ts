// The source of deploy/crds/windlass.dev_services.yaml.
import { rootRules } from './service-rules.ts';
import { spec } from './service-spec.ts';
import { status } from './service-status.ts';
import { AGE, ownKind } from './own-kind.ts';

export const serviceDefinition = ownKind({
  kind: 'Service',
  plural: 'services',
  shortName: 'wsvc',
  category: 'all',
  columns: [
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
    AGE,
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
    scale: {
      specReplicasPath: '.spec.replicas',
      statusReplicasPath: '.status.replicas',
      labelSelectorPath: '.status.selector',
    },
  },
  description: 'A service: instances of one program, kept running and updated without a gap.',
  rules: rootRules,
  spec,
  status,
});
