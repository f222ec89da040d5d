// The roles that people are given: cluster-admin, and admin, edit and view, which gather what is labelled for them. The names and
// what they stand for are upstream's.
import type { PolicyRule } from './policy-rule.ts';
import { pathRule, rule } from './rule-words.ts';

/** A role that comes with the server. */
export interface BootstrapRole {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Of a role that gathers others: the label `rbac.authorization.k8s.io/aggregate-to-<this>`. */
  readonly gathers?: string;
  readonly rules: readonly PolicyRule[];
}

const AGGREGATE_TO = 'rbac.authorization.k8s.io/aggregate-to';

const READ = 'get list watch';
const WRITE = 'create delete deletecollection patch update';

/** Groups and resources that everybody with a role in a namespace may read, and from `edit` on write. */
const WORKLOADS: readonly (readonly [group: string, resources: string])[] = [
  [
    'core',
    'configmaps persistentvolumeclaims pods replicationcontrollers replicationcontrollers/scale serviceaccounts services',
  ],
  [
    'apps',
    'daemonsets deployments deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale',
  ],
  ['autoscaling', 'horizontalpodautoscalers'],
  ['batch', 'cronjobs jobs'],
  ['policy', 'poddisruptionbudgets'],
  ['networking.k8s.io', 'ingresses networkpolicies'],
  ['resource.k8s.io', 'resourceclaims resourceclaimtemplates'],
  ['windlass.dev', 'services services/scale'],
];

/** What nobody writes by hand. */
const OBSERVED: readonly (readonly [group: string, resources: string])[] = [
  [
    'core',
    'bindings endpoints events limitranges namespaces namespaces/status persistentvolumeclaims/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status services/status',
  ],
  [
    'apps',
    'controllerrevisions daemonsets/status deployments/status replicasets/status statefulsets/status',
  ],
  ['autoscaling', 'horizontalpodautoscalers/status'],
  ['batch', 'cronjobs/status jobs/status'],
  ['discovery.k8s.io', 'endpointslices'],
  ['policy', 'poddisruptionbudgets/status'],
  ['networking.k8s.io', 'ingresses/status'],
  ['resource.k8s.io', 'resourceclaims/status'],
  ['windlass.dev', 'services/status'],
];

export const USER_ROLES: readonly BootstrapRole[] = [
  {
    name: 'cluster-admin',
    rules: [rule('*', '*', '*'), pathRule('*', '*')],
  },
  { name: 'admin', gathers: 'admin', rules: [] },
  {
    name: 'edit',
    labels: { [`${AGGREGATE_TO}-admin`]: 'true' },
    gathers: 'edit',
    rules: [],
  },
  {
    name: 'view',
    labels: { [`${AGGREGATE_TO}-edit`]: 'true' },
    gathers: 'view',
    rules: [],
  },
  {
    name: 'system:aggregate-to-admin',
    labels: { [`${AGGREGATE_TO}-admin`]: 'true' },
    rules: [
      rule('create', 'authorization.k8s.io', 'localsubjectaccessreviews'),
      rule(`${READ} ${WRITE}`, 'rbac.authorization.k8s.io', 'rolebindings roles'),
    ],
  },
  {
    name: 'system:aggregate-to-edit',
    labels: { [`${AGGREGATE_TO}-edit`]: 'true' },
    rules: [
      rule(
        READ,
        'core',
        'pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy',
      ),
      rule('impersonate', 'core', 'serviceaccounts'),
      rule('create', 'core', 'pods/eviction serviceaccounts/token'),
      rule(
        WRITE,
        'core',
        'events pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy',
      ),
      rule(`${READ} ${WRITE}`, 'coordination.k8s.io', 'leases'),
      rule(WRITE, 'apps', 'deployments/rollback'),
      rule('patch update', 'core', 'pods/resize pods/ephemeralcontainers'),
      ...WORKLOADS.map(([group, resources]) => rule(WRITE, group, resources)),
    ],
  },
  {
    name: 'system:aggregate-to-view',
    labels: { [`${AGGREGATE_TO}-view`]: 'true' },
    rules: [...WORKLOADS, ...OBSERVED].map(([group, resources]) => rule(READ, group, resources)),
  },
];

/** The selector of a role that gathers others. */
export function aggregationRuleOf(gathers: string): unknown {
  return {
    clusterRoleSelectors: [{ matchLabels: { [`${AGGREGATE_TO}-${gathers}`]: 'true' } }],
  };
}
