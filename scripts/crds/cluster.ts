// The source of deploy/crds/windlass.dev_clusters.yaml.
import { clusterSpec } from './cluster-spec.ts';
import { clusterStatus } from './cluster-status.ts';
import { AGE, ownKind } from './own-kind.ts';
import type { Column } from './own-kind.ts';

const column = (
  name: string,
  type: Column['type'],
  jsonPath: string,
  description: string,
  priority = 0,
): Column => ({
  name,
  type,
  jsonPath,
  description,
  ...(priority === 0 ? {} : { priority }),
});

export const clusterDefinition = ownKind({
  kind: 'Cluster',
  plural: 'clusters',
  shortName: 'wcluster',
  category: 'windlass',
  columns: [
    column('Distribution', 'string', '.spec.distribution', 'What runs on the machines.'),
    column('Version', 'string', '.status.version', 'Version machines are brought to.'),
    column('Phase', 'string', '.status.phase', 'running, degraded, stopped, Pending, Deleting.'),
    column('Ready', 'integer', '.status.nodesReady', 'Machines that serve.'),
    column('Nodes', 'integer', '.status.nodesTotal', 'Machines there are.'),
    column('Updated', 'integer', '.status.rollout.updated', 'Machines with what is wanted.'),
    AGE,
    column('Endpoint', 'string', '.status.endpoint', 'URL of its API server.', 1),
    column(
      'Status',
      'string',
      '.status.conditions[?(@.type=="Progressing")].message',
      'What is being done.',
      1,
    ),
  ],
  description: 'A cluster: machines of some pools, created, upgraded, stopped and removed as one.',
  rules: [
    {
      rule: 'oldSelf.hasValue() || self.metadata.name.size() <= 40',
      optionalOldSelf: true,
      message:
        'metadata.name must have at most 40 characters: names of machines and labels begin with it',
    },
  ],
  spec: clusterSpec,
  status: clusterStatus,
});
