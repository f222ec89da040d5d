// NetworkPolicy: which peers may talk, by labels or addresses.
import type { FieldError } from '#controlplane/api/errors.ts';
import { forbiddenField, invalidField, requiredField } from '#controlplane/api/field-errors.ts';
import { fieldAt, isObject, listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import { checkCIDR } from '#controlplane/api/ip-address.ts';
import type { Strategy } from '../strategy.ts';
import { validateLabelSelector } from './label-selector.ts';

const DIRECTIONS = [
  ['ingress', 'from'],
  ['egress', 'to'],
] as const;

function validatePeer(peer: unknown, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const selectors = ['podSelector', 'namespaceSelector'] as const;
  const named = selectors.filter((name) => fieldAt(peer, name) !== undefined);
  for (const name of named) {
    errors.push(...validateLabelSelector(fieldAt(peer, name), `${field}.${name}`));
  }
  const block = fieldAt(peer, 'ipBlock');
  if (block === undefined) {
    return named.length > 0 ? errors : [requiredField(field, 'must specify a peer')];
  }
  if (named.length > 0) {
    errors.push(forbiddenField(field, 'may not specify both ipBlock and another peer'));
  }
  const ranges = [
    ['cidr', stringAt(block, 'cidr')],
    ...listAt(block, 'except').map((range, index) => [`except[${index}]`, String(range)]),
  ];
  for (const [name = '', range = ''] of ranges) {
    const wrong = checkCIDR(range);
    if (wrong !== undefined) errors.push(invalidField(`${field}.ipBlock.${name}`, range, wrong));
  }
  return errors;
}

function validatePort(port: unknown, field: string): FieldError[] {
  const { port: number, endPort } = objectAt(port);
  const errors: FieldError[] = [];
  if (typeof number === 'number' && (number < 1 || number > 65_535)) {
    errors.push(invalidField(`${field}.port`, number, 'must be between 1 and 65535, inclusive'));
  }
  if (typeof endPort !== 'number') return errors;
  const at = `${field}.endPort`;
  if (number === undefined) {
    const why = 'may not be specified when `port` is not specified';
    errors.push(invalidField(at, endPort, why));
  } else if (typeof number !== 'number') {
    const why = 'may not be specified when `port` is non-numeric';
    errors.push(invalidField(at, endPort, why));
  } else if (endPort < number) {
    errors.push(invalidField(at, endPort, 'must be greater than or equal to `port`'));
  }
  return errors;
}

export const networkPolicyStrategy: Strategy = {
  hasGeneration: true,
  applyDefaults(object) {
    const spec = object['spec'];
    if (!isObject(spec) || listAt(spec, 'policyTypes').length > 0) return;
    const hasEgress = listAt(spec, 'egress').length > 0;
    spec['policyTypes'] = hasEgress ? ['Ingress', 'Egress'] : ['Ingress'];
  },
  validate(object) {
    const selector = fieldAt(object, 'spec', 'podSelector');
    const errors = validateLabelSelector(selector, 'spec.podSelector');
    for (const [direction, peers] of DIRECTIONS) {
      for (const [index, rule] of listAt(object, 'spec', direction).entries()) {
        const field = `spec.${direction}[${index}]`;
        for (const [at, port] of listAt(rule, 'ports').entries())
          errors.push(...validatePort(port, `${field}.ports[${at}]`));
        for (const [at, peer] of listAt(rule, peers).entries())
          errors.push(...validatePeer(peer, `${field}.${peers}[${at}]`));
      }
    }
    return errors;
  },
};
