// Which kind has which strategy. A kind without one of its own gets the defaults; custom resources share theirs.
import { checkDNSSubdomain } from '#controlplane/api/names.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import { customResourceDefinitionStrategy } from './strategies/custom-resource-definition.ts';
import { configMapStrategy } from './strategies/config-map.ts';
import { controllerRevisionStrategy } from './strategies/controller-revision.ts';
import { eventStrategy } from './strategies/event.ts';
import { leaseStrategy } from './strategies/lease.ts';
import { namespaceStrategy } from './strategies/namespace.ts';
import { nodeStrategy } from './strategies/node.ts';
import { persistentVolumeClaimStrategy } from './strategies/persistent-volume-claim.ts';
import { podDisruptionBudgetStrategy } from './strategies/pod-disruption-budget.ts';
import { podStrategy } from './strategies/pod.ts';
import { clusterRoleBindingStrategy, roleBindingStrategy } from './strategies/rbac-bindings.ts';
import { clusterRoleStrategy, roleStrategy } from './strategies/rbac-roles.ts';
import { secretStrategy } from './strategies/secret.ts';
import { serviceStrategy } from './strategies/service.ts';
import type { Strategy } from './strategy.ts';

const strategies: Readonly<Record<string, Strategy>> = {
  'core/configmaps': configMapStrategy,
  'core/events': eventStrategy,
  'core/namespaces': namespaceStrategy,
  'core/nodes': nodeStrategy,
  'core/persistentvolumeclaims': persistentVolumeClaimStrategy,
  'core/pods': podStrategy,
  'core/secrets': secretStrategy,
  'core/services': serviceStrategy,
  'apps/controllerrevisions': controllerRevisionStrategy,
  'policy/poddisruptionbudgets': podDisruptionBudgetStrategy,
  'coordination.k8s.io/leases': leaseStrategy,
  'rbac.authorization.k8s.io/clusterrolebindings': clusterRoleBindingStrategy,
  'rbac.authorization.k8s.io/clusterroles': clusterRoleStrategy,
  'rbac.authorization.k8s.io/rolebindings': roleBindingStrategy,
  'rbac.authorization.k8s.io/roles': roleStrategy,
  'apiextensions.k8s.io/customresourcedefinitions': customResourceDefinitionStrategy,
};

const builtinDefault: Strategy = {};
const customDefault: Strategy = { needsResourceVersion: true, hasGeneration: true };

export function strategyOf(definition: ResourceDefinition): Strategy {
  if (definition.custom) return customDefault;
  return strategies[definition.storageKey] ?? builtinDefault;
}

export function checkNameOf(strategy: Strategy): (name: string) => string | undefined {
  return strategy.checkName ?? checkDNSSubdomain;
}

export function hasStatus(definition: ResourceDefinition): boolean {
  return definition.subresources.some((subresource) => subresource.name === 'status');
}
