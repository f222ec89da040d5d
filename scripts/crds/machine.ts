// The source of deploy/crds/windlass.dev_machines.yaml.
import { machineSpec } from './machine-spec.ts';
import { machineStatus } from './machine-status.ts';
import { AGE, ownKind } from './own-kind.ts';
import type { Column } from './own-kind.ts';

const column = (name: string, jsonPath: string, description: string, priority = 0): Column => ({
  name,
  type: 'string',
  jsonPath,
  description,
  ...(priority === 0 ? {} : { priority }),
});

export const machineDefinition = ownKind({
  kind: 'Machine',
  plural: 'machines',
  shortName: 'mach',
  category: 'windlass',
  columns: [
    column('Phase', '.status.phase', 'Where it is in its life.'),
    column('Version', '.status.runningVersion', 'Version that runs.'),
    column('Slot', '.status.activeSlot', 'Which of its two roots is in use.'),
    column('Preflight', '.status.preflight.summary', 'What its checks found.'),
    column('Node', '.status.nodeRef.name', 'Its Node.'),
    AGE,
    column('Role', '.spec.role', 'What it does in its cluster.', 1),
    column('Status', '.status.conditions[?(@.type=="Ready")].message', 'Why it is not Ready.', 1),
  ],
  description:
    'A machine: a root file system in one of two slots on a host, upgraded in the other and rolled back by itself.',
  spec: machineSpec,
  status: machineStatus,
});
