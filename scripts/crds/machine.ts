// The source of deploy/crds/windlass.dev_machines.yaml.
import { machineSpec } from './machine-spec.ts';
import { machineStatus } from './machine-status.ts';

const column = (name: string, jsonPath: string, description: string, priority = 0) => ({
  name,
  type: 'string',
  jsonPath,
  description,
  ...(priority === 0 ? {} : { priority }),
});

export const machineDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'machines.windlass.dev' },
  spec: {
    group: 'windlass.dev',
    names: {
      kind: 'Machine',
      listKind: 'MachineList',
      plural: 'machines',
      singular: 'machine',
      shortNames: ['mach'],
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
          column('Phase', '.status.phase', 'Where it is in its life.'),
          column('Version', '.status.runningVersion', 'Version that runs.'),
          column('Slot', '.status.activeSlot', 'Which of its two roots is in use.'),
          column('Preflight', '.status.preflight.summary', 'What its checks found.'),
          column('Node', '.status.nodeRef.name', 'Its Node.'),
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
          column('Role', '.spec.role', 'What it does in its cluster.', 1),
          column(
            'Status',
            '.status.conditions[?(@.type=="Ready")].message',
            'Why it is not Ready.',
            1,
          ),
        ],
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            description:
              'A machine: a root file system in one of two slots on a host, upgraded in the other and rolled back by itself.',
            required: ['spec'],
            properties: {
              apiVersion: { type: 'string' },
              kind: { type: 'string' },
              metadata: { type: 'object' },
              spec: machineSpec,
              status: machineStatus,
            },
          },
        },
      },
    ],
  },
} as const;
