// Core Service: kept, checked, given addresses and ports. Nothing routes to it yet. Its names end up in DNS, so they are
// stricter than most.
import type { FieldError } from '#controlplane/api/errors.ts';
import { isObject, listAt, numberAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { JSONObject } from '#controlplane/api/fields.ts';
import { checkDNS1035Label } from '#controlplane/api/names.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { sameJSON } from '../equality.ts';
import { needsHealthPort } from '../service-addresses.ts';
import type { Strategy } from '../strategy.ts';
import { validateService, validateServiceUpdate } from './service-validation.ts';

const AFFINITY_SECONDS = 10_800;
const INSIDE: ReadonlySet<string> = new Set(['ClusterIP', 'NodePort', 'LoadBalancer']);

const hasNodePorts = (spec: unknown): boolean =>
  ['NodePort', 'LoadBalancer'].includes(stringAt(spec, 'type'));

/** Reachable from outside: by node ports or addresses of its own. */
export function isExternal(spec: unknown): boolean {
  const isClusterIP = stringAt(spec, 'type') === 'ClusterIP';
  return hasNodePorts(spec) || (isClusterIP && listAt(spec, 'externalIPs').length > 0);
}

function applyDefaults(object: KubernetesObject): void {
  const spec = object['spec'];
  if (!isObject(spec)) return;
  for (const port of listAt(spec, 'ports').filter(isObject)) {
    if (port['targetPort'] === undefined || port['targetPort'] === 0 || port['targetPort'] === '')
      port['targetPort'] = port['port'];
  }
  const type = stringAt(spec, 'type');
  if (spec['sessionAffinity'] === 'None') delete spec['sessionAffinityConfig'];
  if (spec['sessionAffinity'] === 'ClientIP') {
    const timeoutSeconds = objectAt(spec, 'sessionAffinityConfig', 'clientIP')['timeoutSeconds'];
    spec['sessionAffinityConfig'] = {
      clientIP: { timeoutSeconds: timeoutSeconds ?? AFFINITY_SECONDS },
    };
  }
  if (isExternal(spec)) spec['externalTrafficPolicy'] ??= 'Cluster';
  if (INSIDE.has(type)) spec['internalTrafficPolicy'] ??= 'Cluster';
  if (type === 'LoadBalancer') {
    spec['allocateLoadBalancerNodePorts'] ??= true;
    for (const entry of listAt(object, 'status', 'loadBalancer', 'ingress').filter(isObject)) {
      if (stringAt(entry, 'ip') !== '') entry['ipMode'] ??= 'VIP';
    }
  }
}

/** One address is also the first of a list of one, whichever of the two the client wrote. */
function alignAddresses(spec: JSONObject, before: JSONObject | undefined): void {
  const single = stringAt(spec, 'clusterIP');
  const list = listAt(spec, 'clusterIPs');
  const isSame = sameJSON(list, listAt(before, 'clusterIPs'));
  if (single !== '' && (list.length === 0 || (before !== undefined && isSame))) {
    if (list.length === 0 || list[0] !== single) spec['clusterIPs'] = [single];
  } else if (single === '' && list.length > 0 && before === undefined) {
    spec['clusterIP'] = list[0];
  } else if (single === '' && list.length > 0 && isSame) delete spec['clusterIPs'];
}

/** What was given out stays with a Service whose client does not repeat it. */
function keepAllocated(spec: JSONObject, before: JSONObject): void {
  const keepsAddress = INSIDE.has(stringAt(spec, 'type')) && INSIDE.has(stringAt(before, 'type'));
  if (
    keepsAddress &&
    stringAt(spec, 'clusterIP') === '' &&
    listAt(spec, 'clusterIPs').length === 0
  ) {
    if (before['clusterIP'] !== undefined) spec['clusterIP'] = before['clusterIP'];
    if (before['clusterIPs'] !== undefined) spec['clusterIPs'] = before['clusterIPs'];
  }
  if (hasNodePorts(spec) && hasNodePorts(before)) {
    for (const port of listAt(spec, 'ports').filter(isObject)) {
      if (numberAt(port, 'nodePort') > 0) continue;
      const same = listAt(before, 'ports').find(
        (other) =>
          numberAt(other, 'port') === port['port'] &&
          stringAt(other, 'protocol') === (port['protocol'] ?? 'TCP'),
      );
      const number = numberAt(same, 'nodePort');
      if (number > 0) port['nodePort'] = number;
    }
  }
  if (needsHealthPort(spec) && numberAt(spec, 'healthCheckNodePort') === 0) {
    const number = numberAt(before, 'healthCheckNodePort');
    if (number > 0) spec['healthCheckNodePort'] = number;
  }
}

/** What the old type needed and the new one has no use for goes, unless the client changes it in the same write. */
function dropUnused(object: KubernetesObject, spec: JSONObject, before: JSONObject): void {
  const drop = (field: string): void => {
    if (sameJSON(spec[field], before[field])) delete spec[field];
  };
  if (INSIDE.has(stringAt(before, 'type')) && !INSIDE.has(stringAt(spec, 'type'))) {
    for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) drop(field);
    drop('internalTrafficPolicy');
  }
  if (hasNodePorts(before) && !hasNodePorts(spec)) {
    const old = new Set(listAt(before, 'ports').map((port) => numberAt(port, 'nodePort')));
    for (const port of listAt(spec, 'ports').filter(isObject)) {
      if (old.has(numberAt(port, 'nodePort'))) delete port['nodePort'];
    }
  }
  if (isExternal(before) && !isExternal(spec)) drop('externalTrafficPolicy');
  if (needsHealthPort(before) && !needsHealthPort(spec)) drop('healthCheckNodePort');
  if (stringAt(spec, 'type') === 'LoadBalancer') return;
  if (stringAt(before, 'type') === 'LoadBalancer') {
    drop('allocateLoadBalancerNodePorts');
    drop('loadBalancerClass');
  }
  const status = object['status'];
  if (isObject(status)) status['loadBalancer'] = {};
}

/** This server gives out IPv4 addresses; a headless Service without a selector may have any. */
function defaultFamilies(spec: JSONObject): void {
  if (!INSIDE.has(stringAt(spec, 'type'))) return;
  const isFree =
    spec['clusterIP'] === 'None' && Object.keys(objectAt(spec, 'selector')).length === 0;
  spec['ipFamilyPolicy'] ??= isFree ? 'RequireDualStack' : 'SingleStack';
  if (listAt(spec, 'ipFamilies').length === 0) spec['ipFamilies'] = ['IPv4'];
  const families = listAt(spec, 'ipFamilies');
  if (isFree && spec['ipFamilyPolicy'] !== 'SingleStack' && families.length === 1) {
    spec['ipFamilies'] = [...families, families[0] === 'IPv4' ? 'IPv6' : 'IPv4'];
  }
}

export const serviceStrategy: Strategy = {
  checkName: checkDNS1035Label,
  createsOnUpdate: true,
  prepareForCreate(object) {
    object['status'] = { loadBalancer: {} };
    if (isObject(object['spec'])) alignAddresses(object['spec'], undefined);
  },
  prepareForUpdate(object, old, subresource) {
    const spec = object['spec'];
    if (subresource !== '' || !isObject(spec)) return;
    const before = objectAt(old, 'spec');
    spec['type'] ??= 'ClusterIP';
    alignAddresses(spec, before);
    keepAllocated(spec, before);
    dropUnused(object, spec, before);
  },
  applyDefaults,
  finish(object, env): readonly FieldError[] {
    if (isObject(object['spec'])) defaultFamilies(object['spec']);
    return env.serviceAddresses.assign(object);
  },
  validate: validateService,
  validateUpdate: (object, old, subresource) =>
    subresource === '' ? validateServiceUpdate(object, old) : [],
};
