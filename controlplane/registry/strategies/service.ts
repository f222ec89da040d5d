// Core Service: kept and shown, acted on by nobody. Its names end up in DNS, so they are stricter than most.
import type { FieldError } from '#controlplane/api/errors.ts';
import { duplicateField, requiredField } from '#controlplane/api/field-errors.ts';
import { isObject, listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import { checkDNS1035Label } from '#controlplane/api/names.ts';
import type { Strategy } from '../strategy.ts';

export const serviceStrategy: Strategy = {
  checkName: checkDNS1035Label,
  applyDefaults(object) {
    for (const port of listAt(object, 'spec', 'ports')) {
      if (isObject(port)) port['targetPort'] ??= port['port'];
    }
    const spec = objectAt(object, 'spec');
    if (stringAt(spec, 'type') !== 'ExternalName') spec['internalTrafficPolicy'] ??= 'Cluster';
  },
  validate(object) {
    const errors: FieldError[] = [];
    const ports = listAt(object, 'spec', 'ports');
    const type = stringAt(object, 'spec', 'type');
    const headless = stringAt(object, 'spec', 'clusterIP') === 'None';
    if (ports.length === 0 && !headless && type !== 'ExternalName') {
      errors.push(requiredField('spec.ports'));
    }
    if (type === 'ExternalName' && stringAt(object, 'spec', 'externalName') === '') {
      errors.push(requiredField('spec.externalName'));
    }
    const names = new Set<string>();
    for (const [index, port] of ports.entries()) {
      const name = stringAt(port, 'name');
      if (name === '' && ports.length > 1) errors.push(requiredField(`spec.ports[${index}].name`));
      else if (names.has(name)) errors.push(duplicateField(`spec.ports[${index}].name`, name));
      names.add(name);
    }
    return errors;
  },
};
