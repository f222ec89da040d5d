// Endpoints and EndpointSlice: addresses behind a name.
import type { FieldError } from '#controlplane/api/errors.ts';
import { duplicateField, invalidField, requiredField } from '#controlplane/api/field-errors.ts';
import { listAt, stringAt } from '#controlplane/api/fields.ts';
import { checkIPAddress, familyOf } from '#controlplane/api/ip-address.ts';
import { checkDNSSubdomain } from '#controlplane/api/names.ts';
import type { Strategy } from '../strategy.ts';
import { fixedFields } from './fixed-fields.ts';

function validateSubset(subset: unknown, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const lists = ['addresses', 'notReadyAddresses'] as const;
  if (lists.every((list) => listAt(subset, list).length === 0)) {
    errors.push(requiredField(field, 'must specify `addresses` or `notReadyAddresses`'));
  }
  for (const list of lists) {
    for (const [index, address] of listAt(subset, list).entries()) {
      const ip = stringAt(address, 'ip');
      const wrong = checkIPAddress(ip);
      if (wrong !== undefined)
        errors.push(invalidField(`${field}.${list}[${index}].ip`, ip, wrong));
    }
  }
  const ports = listAt(subset, 'ports');
  for (const [index, port] of ports.entries()) {
    if (ports.length > 1 && stringAt(port, 'name') === '') {
      errors.push(requiredField(`${field}.ports[${index}].name`));
    }
  }
  return errors;
}

export const endpointsStrategy: Strategy = {
  createsOnUpdate: true,
  validate: (object) =>
    listAt(object, 'subsets').flatMap((subset, index) =>
      validateSubset(subset, `subsets[${index}]`),
    ),
};

function addressProblem(type: string, address: string): string | undefined {
  switch (type) {
    case 'IPv4':
      return familyOf(address) === 4 ? undefined : 'must be an IPv4 address';
    case 'IPv6':
      return familyOf(address) === 6 ? undefined : 'must be an IPv6 address';
    default:
      return checkDNSSubdomain(address);
  }
}

export const endpointSliceStrategy: Strategy = {
  hasGeneration: true,
  counted: ({ metadata, endpoints, ports }) => ({ labels: metadata.labels, endpoints, ports }),
  validate(object) {
    const errors: FieldError[] = [];
    const type = stringAt(object, 'addressType');
    for (const [index, endpoint] of listAt(object, 'endpoints').entries()) {
      const field = `endpoints[${index}].addresses`;
      const addresses = listAt(endpoint, 'addresses').map(String);
      if (addresses.length === 0) {
        errors.push(requiredField(field, 'must contain at least 1 address'));
      }
      for (const [at, address] of addresses.entries()) {
        const wrong = addressProblem(type, address);
        if (wrong !== undefined) errors.push(invalidField(`${field}[${at}]`, address, wrong));
      }
    }
    const names = new Set<string>();
    for (const [index, port] of listAt(object, 'ports').entries()) {
      const name = stringAt(port, 'name');
      if (names.has(name)) errors.push(duplicateField(`ports[${index}].name`, name));
      names.add(name);
    }
    return errors;
  },
  validateUpdate: fixedFields('addressType'),
};
