// ServiceCIDR and IPAddress: ranges that Services get addresses from, and who has one.
import type { FieldError } from '#controlplane/api/errors.ts';
import { invalidField, requiredField } from '#controlplane/api/field-errors.ts';
import { listAt } from '#controlplane/api/fields.ts';
import { checkCIDR, checkIPAddress, familyOf } from '#controlplane/api/ip-address.ts';
import type { Strategy } from '../strategy.ts';
import { fixedFields } from './fixed-fields.ts';

export const ipAddressStrategy: Strategy = {
  checkName: checkIPAddress,
  validateUpdate: fixedFields('spec.parentRef'),
};

export const serviceCIDRStrategy: Strategy = {
  validate(object) {
    const field = 'spec.cidrs';
    const ranges = listAt(object, 'spec', 'cidrs').map(String);
    if (ranges.length === 0) return [requiredField(field, 'at least one CIDR required')];
    if (ranges.length > 2) return [invalidField(field, ranges, 'may only hold up to 2 values')];
    const errors: FieldError[] = [];
    for (const [index, range] of ranges.entries()) {
      const wrong = checkCIDR(range);
      if (wrong !== undefined) errors.push(invalidField(`${field}[${index}]`, range, wrong));
    }
    const families = ranges.map((range) => familyOf(range.slice(0, range.indexOf('/'))));
    if (errors.length === 0 && new Set(families).size < ranges.length) {
      const why =
        'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64';
      errors.push(invalidField(field, ranges, why));
    }
    return errors;
  },
  validateUpdate: fixedFields('spec.cidrs'),
};
