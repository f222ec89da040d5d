// Which kind has which strategy. A kind without one of its own gets the defaults; custom resources share theirs.
import { checkDNSSubdomain } from '#controlplane/api/names.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import { certificateSigningRequestStrategy } from './strategies/certificate-signing-request.ts';
import { customResourceDefinitionStrategy } from './strategies/custom-resource-definition.ts';
import { configMapStrategy } from './strategies/config-map.ts';
import { controllerRevisionStrategy } from './strategies/controller-revision.ts';
import {
  validatingBindingStrategy,
  validatingPolicyStrategy,
} from './strategies/admission-policy.ts';
import { apiServiceStrategy } from './strategies/api-service.ts';
import { ipAddressStrategy, serviceCIDRStrategy } from './strategies/cluster-addresses.ts';
import { flowSchemaStrategy, priorityLevelStrategy } from './strategies/flow-control.ts';
import { webhookConfigurationStrategy } from './strategies/webhook-configuration.ts';
import { cronJobStrategy } from './strategies/cron-job.ts';
import {
  daemonSetStrategy,
  deploymentStrategy,
  replicaSetStrategy,
} from './strategies/deployment.ts';
import {
  deviceTaintRuleStrategy,
  resourceClaimStrategy,
  resourceClaimTemplateStrategy,
  resourceSliceStrategy,
} from './strategies/dynamic-resources.ts';
import { endpointSliceStrategy, endpointsStrategy } from './strategies/endpoints.ts';
import { horizontalPodAutoscalerStrategy } from './strategies/horizontal-pod-autoscaler.ts';
import { ingressClassStrategy, ingressStrategy } from './strategies/ingress.ts';
import { jobStrategy } from './strategies/job.ts';
import { limitRangeStrategy } from './strategies/limit-range.ts';
import {
  mutatingBindingStrategy,
  mutatingPolicyStrategy,
} from './strategies/mutating-admission-policy.ts';
import { networkPolicyStrategy } from './strategies/network-policy.ts';
import { persistentVolumeStrategy } from './strategies/persistent-volume.ts';
import { podTemplateStrategy } from './strategies/pod-template-object.ts';
import { priorityClassStrategy } from './strategies/priority-class.ts';
import { replicationControllerStrategy } from './strategies/replication-controller.ts';
import { resourceQuotaStrategy } from './strategies/resource-quota.ts';
import { statefulSetStrategy } from './strategies/stateful-set.ts';
import {
  csiDriverStrategy,
  csiNodeStrategy,
  csiStorageCapacityStrategy,
  storageClassStrategy,
  volumeAttachmentStrategy,
  volumeAttributesClassStrategy,
} from './strategies/storage.ts';
import { eventStrategy } from './strategies/event.ts';
import { leaseStrategy } from './strategies/lease.ts';
import { namespaceStrategy } from './strategies/namespace.ts';
import { nodeStrategy } from './strategies/node.ts';
import { persistentVolumeClaimStrategy } from './strategies/persistent-volume-claim.ts';
import { podDisruptionBudgetStrategy } from './strategies/pod-disruption-budget.ts';
import { podStrategy } from './strategies/pod.ts';
import { clusterRoleBindingStrategy, roleBindingStrategy } from './strategies/rbac-bindings.ts';
import { clusterRoleStrategy, roleStrategy } from './strategies/rbac-roles.ts';
import { runtimeClassStrategy } from './strategies/runtime-class.ts';
import { secretStrategy } from './strategies/secret.ts';
import { serviceStrategy } from './strategies/service.ts';
import type { Strategy } from './strategy.ts';

const counted: Strategy = { hasGeneration: true };

const strategies: Readonly<Record<string, Strategy>> = {
  'admissionregistration.k8s.io/mutatingadmissionpolicies': mutatingPolicyStrategy,
  'admissionregistration.k8s.io/mutatingadmissionpolicybindings': mutatingBindingStrategy,
  'admissionregistration.k8s.io/mutatingwebhookconfigurations': webhookConfigurationStrategy,
  'admissionregistration.k8s.io/validatingadmissionpolicies': validatingPolicyStrategy,
  'admissionregistration.k8s.io/validatingadmissionpolicybindings': validatingBindingStrategy,
  'admissionregistration.k8s.io/validatingwebhookconfigurations': webhookConfigurationStrategy,
  'apiregistration.k8s.io/apiservices': apiServiceStrategy,
  'apps/daemonsets': daemonSetStrategy,
  'apps/deployments': deploymentStrategy,
  'apps/replicasets': replicaSetStrategy,
  'apps/statefulsets': statefulSetStrategy,
  'autoscaling/horizontalpodautoscalers': horizontalPodAutoscalerStrategy,
  'batch/cronjobs': cronJobStrategy,
  'batch/jobs': jobStrategy,
  'core/endpoints': endpointsStrategy,
  'core/limitranges': limitRangeStrategy,
  'core/persistentvolumes': persistentVolumeStrategy,
  'core/podtemplates': podTemplateStrategy,
  'core/replicationcontrollers': replicationControllerStrategy,
  'core/resourcequotas': resourceQuotaStrategy,
  'discovery.k8s.io/endpointslices': endpointSliceStrategy,
  'flowcontrol.apiserver.k8s.io/flowschemas': flowSchemaStrategy,
  'flowcontrol.apiserver.k8s.io/prioritylevelconfigurations': priorityLevelStrategy,
  'networking.k8s.io/ingressclasses': ingressClassStrategy,
  'networking.k8s.io/ingresses': ingressStrategy,
  'networking.k8s.io/ipaddresses': ipAddressStrategy,
  'networking.k8s.io/networkpolicies': networkPolicyStrategy,
  'networking.k8s.io/servicecidrs': serviceCIDRStrategy,
  'node.k8s.io/runtimeclasses': runtimeClassStrategy,
  'resource.k8s.io/deviceclasses': counted,
  'resource.k8s.io/devicetaintrules': deviceTaintRuleStrategy,
  'resource.k8s.io/resourceclaims': resourceClaimStrategy,
  'resource.k8s.io/resourceclaimtemplates': resourceClaimTemplateStrategy,
  'resource.k8s.io/resourceslices': resourceSliceStrategy,
  'scheduling.k8s.io/priorityclasses': priorityClassStrategy,
  'storage.k8s.io/csidrivers': csiDriverStrategy,
  'storage.k8s.io/csinodes': csiNodeStrategy,
  'storage.k8s.io/csistoragecapacities': csiStorageCapacityStrategy,
  'storage.k8s.io/storageclasses': storageClassStrategy,
  'storage.k8s.io/volumeattachments': volumeAttachmentStrategy,
  'storage.k8s.io/volumeattributesclasses': volumeAttributesClassStrategy,
  'storagemigration.k8s.io/storageversionmigrations': { needsResourceVersion: true },
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
  'certificates.k8s.io/certificatesigningrequests': certificateSigningRequestStrategy,
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
