// Rules of a core Service that span fields, in upstream's words. Types, ranges and closed sets are in the schema.
import type { FieldError } from '#controlplane/api/errors.ts';
import {
  duplicateField,
  forbiddenField,
  invalidField,
  requiredField,
} from '#controlplane/api/field-errors.ts';
import { listAt, numberAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import { checkIPAddress, familyOf } from '#controlplane/api/ip-address.ts';
import {
  checkDNSLabel,
  checkDNSSubdomain,
  checkLabelValue,
  checkQualifiedName,
} from '#controlplane/api/names.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { sameJSON } from '../equality.ts';

const PORT_NAME = /^(?=.*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$/;

export function validateService(object: KubernetesObject): FieldError[] {
  const spec = objectAt(object, 'spec');
  const type = stringAt(spec, 'type');
  const isHeadless = spec['clusterIP'] === 'None';
  const errors: FieldError[] = [];
  const ports = listAt(spec, 'ports');
  if (ports.length === 0 && !isHeadless && type !== 'ExternalName') {
    errors.push(requiredField('spec.ports'));
  }
  if (isHeadless && (type === 'NodePort' || type === 'LoadBalancer')) {
    const why = `may not be set to 'None' for ${type} services`;
    errors.push(invalidField('spec.clusterIPs[0]', 'None', why));
  }
  if (type === 'ExternalName') errors.push(...validateExternalName(spec));
  else errors.push(...validateAddresses(spec));
  errors.push(...validateSelector(spec));
  errors.push(...validatePorts(ports, type));
  for (const [index, address] of listAt(spec, 'externalIPs').entries()) {
    const wrong = checkIPAddress(String(address));
    if (wrong !== undefined)
      errors.push(invalidField(`spec.externalIPs[${index}]`, address, wrong));
  }
  const timeout = objectAt(spec, 'sessionAffinityConfig', 'clientIP')['timeoutSeconds'];
  if (typeof timeout === 'number' && (timeout <= 0 || timeout > 86_400)) {
    const why = 'must be greater than 0 and less than 86400';
    errors.push(invalidField('spec.sessionAffinityConfig.clientIP.timeoutSeconds', timeout, why));
  }
  if (type !== 'LoadBalancer') {
    for (const field of ['loadBalancerClass', 'allocateLoadBalancerNodePorts']) {
      if (spec[field] === undefined) continue;
      const why = "may only be used when `type` is 'LoadBalancer'";
      errors.push(forbiddenField(`spec.${field}`, why));
    }
  }
  return errors;
}

function validateExternalName(spec: unknown): FieldError[] {
  const errors: FieldError[] = [];
  const name = stringAt(spec, 'externalName').replace(/\.$/, '');
  const wrong = name === '' ? undefined : checkDNSSubdomain(name);
  if (name === '') errors.push(requiredField('spec.externalName'));
  else if (wrong !== undefined) errors.push(invalidField('spec.externalName', name, wrong));
  for (const field of ['clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) {
    if (objectAt(spec)[field] === undefined) continue;
    errors.push(forbiddenField(`spec.${field}`, 'may not be set for ExternalName services'));
  }
  return errors;
}

function validateAddresses(spec: unknown): FieldError[] {
  const errors: FieldError[] = [];
  const addresses = listAt(spec, 'clusterIPs').map(String);
  if (addresses.length > 0 && addresses[0] !== stringAt(spec, 'clusterIP')) {
    const why = 'first value must match `clusterIP`';
    errors.push(invalidField('spec.clusterIPs[0]', addresses[0], why));
  }
  if (addresses.length > 2) {
    const why = 'may only hold up to 2 values';
    errors.push(invalidField('spec.clusterIPs', addresses, why));
  }
  for (const [index, address] of addresses.entries()) {
    if (address === 'None') continue;
    const wrong = checkIPAddress(address);
    if (wrong !== undefined) errors.push(invalidField(`spec.clusterIPs[${index}]`, address, wrong));
    else if (familyOf(address) === 6) {
      const why = 'IPv6 is not configured on this cluster';
      errors.push(invalidField(`spec.clusterIPs[${index}]`, addresses, why));
    }
  }
  const isHeadless = stringAt(spec, 'clusterIP') === 'None';
  const hasSelector = Object.keys(objectAt(spec, 'selector')).length > 0;
  if (isHeadless && !hasSelector) return errors;
  const policy = stringAt(spec, 'ipFamilyPolicy');
  if (policy === 'RequireDualStack') {
    const why = 'this cluster is not configured for dual-stack services';
    errors.push(invalidField('spec.ipFamilyPolicy', policy, why));
  }
  for (const [index, family] of listAt(spec, 'ipFamilies').entries()) {
    if (family === 'IPv4') continue;
    errors.push(
      invalidField(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster'),
    );
  }
  return errors;
}

function validateSelector(spec: unknown): FieldError[] {
  return Object.entries(objectAt(spec, 'selector')).flatMap(([key, value]) => {
    const wrongKey = checkQualifiedName(key);
    const wrongValue = checkLabelValue(String(value));
    return [
      ...(wrongKey === undefined ? [] : [invalidField('spec.selector', key, wrongKey)]),
      ...(wrongValue === undefined ? [] : [invalidField('spec.selector', value, wrongValue)]),
    ];
  });
}

function validatePorts(ports: readonly unknown[], type: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  const numbers = new Set<string>();
  const nodePorts = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const field = `spec.ports[${index}]`;
    const name = stringAt(port, 'name');
    const wrong = name === '' ? undefined : checkDNSLabel(name);
    if (name === '' && ports.length > 1) errors.push(requiredField(`${field}.name`));
    else if (wrong !== undefined) errors.push(invalidField(`${field}.name`, name, wrong));
    else if (name !== '' && names.has(name)) errors.push(duplicateField(`${field}.name`, name));
    names.add(name);
    const target = objectAt(port)['targetPort'];
    if (typeof target === 'number' && (target < 1 || target > 65_535)) {
      const why = 'must be between 1 and 65535, inclusive';
      errors.push(invalidField(`${field}.targetPort`, target, why));
    } else if (typeof target === 'string' && !PORT_NAME.test(target)) {
      const why =
        'must be at most 15 lower case letters, digits and single inner hyphens, with at least one letter';
      errors.push(invalidField(`${field}.targetPort`, target, why));
    }
    const protocol = stringAt(port, 'protocol');
    const identity = `${protocol}/${numberAt(port, 'port')}`;
    if (numbers.has(identity)) {
      errors.push(duplicateField(field, { protocol, port: numberAt(port, 'port') }));
    }
    numbers.add(identity);
    const nodePort = numberAt(port, 'nodePort');
    if (nodePort === 0) continue;
    if (type === 'ClusterIP' || type === 'ExternalName') {
      const why = `may not be used when \`type\` is '${type}'`;
      errors.push(forbiddenField(`${field}.nodePort`, why));
    }
    const outside = `${protocol}/${nodePort}`;
    if (nodePorts.has(outside)) errors.push(duplicateField(`${field}.nodePort`, nodePort));
    nodePorts.add(outside);
  }
  return errors;
}

/** An address that was given stays until the Service needs none. */
export function validateServiceUpdate(
  object: KubernetesObject,
  old: KubernetesObject,
): FieldError[] {
  const before = listAt(old, 'spec', 'clusterIPs');
  const addresses = listAt(object, 'spec', 'clusterIPs');
  const isInside = (service: KubernetesObject): boolean =>
    stringAt(service, 'spec', 'type') !== 'ExternalName';
  if (!isInside(object) || !isInside(old) || before.length === 0) return [];
  if (sameJSON(before[0], addresses[0])) return [];
  return [invalidField('spec.clusterIPs[0]', addresses, 'may not change once set')];
}
