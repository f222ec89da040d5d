// The source of deploy/crds/windlass.dev_clusters.yaml.
import { clusterSpec } from './cluster-spec.ts';
import { clusterStatus } from './cluster-status.ts';

const column = (
  name: string,
  type: string,
  jsonPath: string,
  description: string,
  priority = 0,
) => ({
  name,
  type,
  jsonPath,
  description,
  ...(priority === 0 ? {} : { priority }),
});

export const clusterDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'clusters.windlass.dev' },
  spec: {
    group: 'windlass.dev',
    names: {
      kind: 'Cluster',
      listKind: 'ClusterList',
      plural: 'clusters',
      singular: 'cluster',
      shortNames: ['wcluster'],
      categories: ['windlass'],
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
          column('Distribution', 'string', '.spec.distribution', 'What runs on the machines.'),
          column('Version', 'string', '.status.version', 'Version machines are brought to.'),
          column(
            'Phase',
            'string',
            '.status.phase',
            'running, degraded, stopped, Pending, Deleting.',
          ),
          column('Ready', 'integer', '.status.nodesReady', 'Machines that serve.'),
          column('Nodes', 'integer', '.status.nodesTotal', 'Machines there are.'),
          column('Updated', 'integer', '.status.rollout.updated', 'Machines with what is wanted.'),
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
          column('Endpoint', 'string', '.status.endpoint', 'URL of its API server.', 1),
          column(
            'Status',
            'string',
            '.status.conditions[?(@.type=="Progressing")].message',
            'What is being done.',
            1,
          ),
        ],
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            description:
              'A cluster: machines of some pools, created, upgraded, stopped and removed as one.',
            required: ['spec'],
            'x-kubernetes-validations': [
              {
                rule: 'oldSelf.hasValue() || self.metadata.name.size() <= 40',
                optionalOldSelf: true,
                message:
                  'metadata.name must have at most 40 characters: names of machines and labels begin with it',
              },
            ],
            properties: {
              apiVersion: { type: 'string' },
              kind: { type: 'string' },
              metadata: { type: 'object' },
              spec: clusterSpec,
              status: clusterStatus,
            },
          },
        },
      },
    ],
  },
} as const;
