// What the controllers and agents that come with Windlass may do. The first role is, word for word, that of deploy/kubernetes/rbac.yaml
// (a test compares them): what `windlass controllers` needs on any cluster. The second is what only our own server leaves to them.
import type { BootstrapPolicy } from './bootstrap-policy.ts';
import type { PolicyRule } from './policy-rule.ts';
import { pathRule, rule } from './rule-words.ts';

/** The user of controllers.kubeconfig. */
export const CONTROLLERS_USER = 'system:windlass:controllers';

const READ = 'get list watch';
const OURS = 'windlass.dev';

/** Of the controllers of our own kinds. */
export const CONTROLLER_RULES: readonly PolicyRule[] = [
  rule('list watch', OURS, 'services'),
  rule('update', OURS, 'services/finalizers'),
  rule(
    'patch',
    OURS,
    'artifacts/status clusters/status infraproviders/status machineoperations/status machines/status services/status',
  ),
  rule(READ, OURS, 'artifacts clusters infraproviders'),
  rule('patch', OURS, 'artifacts clusters'),
  rule('update', OURS, 'clusters/finalizers machineoperations/finalizers'),
  rule(`${READ} delete patch`, OURS, 'machineoperations'),
  rule(`${READ} create delete patch update`, OURS, 'machines'),
  rule('create delete get update', 'coordination.k8s.io', 'leases'),
  rule(`${READ} create delete patch`, 'apps', 'controllerrevisions'),
  rule(`${READ} create delete patch`, 'core', 'pods'),
  rule('create', 'core', 'pods/eviction'),
  rule('update', 'core', 'pods/resize'),
  rule('get', 'core', 'pods/log'),
  rule(`${READ} patch`, 'core', 'nodes'),
  rule(`${READ} create patch`, 'core', 'persistentvolumeclaims'),
  rule('create delete', 'core', 'configmaps'),
  rule(`${READ} create patch`, 'core', 'secrets'),
  rule('create patch', 'core', 'events'),
];

/** Of those that every cluster has in some form: scheduler, garbage collector, namespaces, node life cycle, endpoints, accounts … */
const CLUSTER_RULES: readonly PolicyRule[] = [
  // The garbage collector and the deletion of namespaces are about objects of all kinds.
  rule(`${READ} delete patch update`, '*', '*'),
  rule('create', 'core', 'bindings configmaps endpoints pods/binding serviceaccounts'),
  rule('create', 'discovery.k8s.io', 'endpointslices'),
];

/** The page itself and the way to sign in; what is seen on it is up to whoever has signed in. */
const CONSOLE_RULES: readonly PolicyRule[] = [
  pathRule('get head', '/console /console/*'),
  pathRule('get post delete', '/windlass/v1/console/*'),
];

export const OWN_POLICY: BootstrapPolicy = {
  roles: [
    { name: 'system:windlass:controllers', rules: CONTROLLER_RULES },
    { name: 'system:windlass:cluster-controllers', rules: CLUSTER_RULES },
    { name: 'system:windlass:console', rules: CONSOLE_RULES },
    // As metrics-server brings it: whoever may view may see what Pods use.
    {
      name: 'system:aggregated-metrics-reader',
      labels: Object.fromEntries(
        ['admin', 'edit', 'view'].map((role) => [
          `rbac.authorization.k8s.io/aggregate-to-${role}`,
          'true',
        ]),
      ),
      rules: [rule(READ, 'metrics.k8s.io', 'nodes pods')],
    },
  ],
  bindings: [
    {
      name: 'system:windlass:controllers',
      role: 'system:windlass:controllers',
      users: [CONTROLLERS_USER],
    },
    {
      name: 'system:windlass:cluster-controllers',
      role: 'system:windlass:cluster-controllers',
      users: [CONTROLLERS_USER],
    },
    // Controllers that run alone ask whose token a scrape brings, and whether that user may.
    {
      name: 'system:windlass:auth-delegator',
      role: 'system:auth-delegator',
      users: [CONTROLLERS_USER],
    },
    {
      name: 'system:windlass:console',
      role: 'system:windlass:console',
      groups: ['system:authenticated', 'system:unauthenticated'],
    },
  ],
};
