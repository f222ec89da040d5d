// APIService: which server has a group version. All are served here; what names another server is kept, not followed.
import type { FieldError } from '#controlplane/api/errors.ts';
import { invalidField, requiredField } from '#controlplane/api/field-errors.ts';
import { objectAt, stringAt } from '#controlplane/api/fields.ts';
import { checkDNS1035Label, checkDNSSubdomain } from '#controlplane/api/names.ts';
import type { Strategy } from '../strategy.ts';

export const apiServiceStrategy: Strategy = {
  needsResourceVersion: true,
  validate(object) {
    const spec = objectAt(object, 'spec');
    const errors: FieldError[] = [];
    const group = stringAt(spec, 'group');
    const version = stringAt(spec, 'version');
    const name = object.metadata.name ?? '';
    const wanted = `${version}.${group}`;
    if (name !== wanted) {
      const why = `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(wanted)}`;
      errors.push(invalidField('metadata.name', name, why));
    }
    const wrongGroup = group === '' ? undefined : checkDNSSubdomain(group);
    if (wrongGroup !== undefined) errors.push(invalidField('spec.group', group, wrongGroup));
    if (group === '' && version !== 'v1') {
      const why = 'only v1 may have an empty group and it better be legacy kube';
      errors.push(requiredField('spec.group', why));
    }
    const wrongVersion = checkDNS1035Label(version);
    if (wrongVersion !== undefined) {
      errors.push(invalidField('spec.version', version, wrongVersion));
    }
    const { service, caBundle, insecureSkipTLSVerify: isInsecure } = spec;
    if (service === undefined && caBundle !== undefined) {
      const why = 'local APIServices may not have a caBundle';
      errors.push(invalidField('spec.caBundle', '', why));
    }
    if (isInsecure === true && (service === undefined || caBundle !== undefined)) {
      const why =
        service === undefined
          ? 'local APIServices may not have insecureSkipTLSVerify'
          : 'may not be true if caBundle is present';
      errors.push(invalidField('spec.insecureSkipTLSVerify', true, why));
    }
    return errors;
  },
};
