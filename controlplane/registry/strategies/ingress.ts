// Ingress: rules that a controller could serve.
import type { FieldError } from '#controlplane/api/errors.ts';
import { invalidField, requiredField } from '#controlplane/api/field-errors.ts';
import { fieldAt, listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import { familyOf } from '#controlplane/api/ip-address.ts';
import { checkDNS1035Label, checkDNSSubdomain } from '#controlplane/api/names.ts';
import type { Strategy } from '../strategy.ts';
import { fixedFields } from './fixed-fields.ts';

const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';
const BAD_SEQUENCES = ['//', '/./', '/../', '%2f', '%2F'];
const BAD_SUFFIXES = ['/..', '/.'];

function validateBackend(backend: unknown, field: string): FieldError[] {
  const service = fieldAt(backend, 'service');
  const resource = fieldAt(backend, 'resource');
  if (service !== undefined && resource !== undefined) {
    return [invalidField(field, '', 'cannot set both resource and service backends')];
  }
  if (resource !== undefined) return [];
  if (service === undefined) {
    return [invalidField(field, '', 'resource or service backend is required')];
  }
  const errors: FieldError[] = [];
  const name = stringAt(service, 'name');
  const wrong = name === '' ? undefined : checkDNS1035Label(name);
  if (wrong !== undefined) errors.push(invalidField(`${field}.service.name`, name, wrong));
  const { name: portName, number } = objectAt(service, 'port');
  if (portName !== undefined && number !== undefined) {
    errors.push(invalidField(field, '', 'cannot set both port name & port number'));
  } else if (portName === undefined && number === undefined) {
    errors.push(requiredField(field, 'port name or number is required'));
  } else if (typeof number === 'number' && (number < 1 || number > 65_535)) {
    const why = 'must be between 1 and 65535, inclusive';
    errors.push(invalidField(`${field}.service.port.number`, number, why));
  }
  return errors;
}

function validatePath(entry: unknown, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const path = stringAt(entry, 'path');
  const at = `${field}.path`;
  const isLoose = stringAt(entry, 'pathType') === 'ImplementationSpecific';
  if (!path.startsWith('/') && !(isLoose && path === '')) {
    errors.push(invalidField(at, path, 'must be an absolute path'));
  } else if (!isLoose) {
    for (const sequence of BAD_SEQUENCES) {
      if (path.includes(sequence)) {
        errors.push(invalidField(at, path, `must not contain '${sequence}'`));
      }
    }
    for (const suffix of BAD_SUFFIXES) {
      if (path.endsWith(suffix)) {
        errors.push(invalidField(at, path, `cannot end with '${suffix}'`));
      }
    }
  }
  return [...errors, ...validateBackend(fieldAt(entry, 'backend'), `${field}.backend`)];
}

/** A DNS name, with `*` for its first label where one host shall be many. */
function hostProblem(host: string): string | undefined {
  if (familyOf(host) !== 0) return 'must be a DNS name, not an IP address';
  return checkDNSSubdomain(host.startsWith('*.') ? host.slice(2) : host);
}

function validateHost(host: string, field: string): FieldError[] {
  const wrong = host === '' ? undefined : hostProblem(host);
  return wrong === undefined ? [] : [invalidField(field, host, wrong)];
}

export const ingressStrategy: Strategy = {
  hasGeneration: true,
  validate(object) {
    const errors: FieldError[] = [];
    const rules = listAt(object, 'spec', 'rules');
    const backend = fieldAt(object, 'spec', 'defaultBackend');
    if (rules.length === 0 && backend === undefined) {
      errors.push(
        invalidField('spec', rules, 'either `defaultBackend` or `rules` must be specified'),
      );
    }
    if (backend !== undefined) errors.push(...validateBackend(backend, 'spec.defaultBackend'));
    for (const [index, rule] of rules.entries()) {
      const field = `spec.rules[${index}]`;
      errors.push(...validateHost(stringAt(rule, 'host'), `${field}.host`));
      for (const [at, path] of listAt(rule, 'http', 'paths').entries())
        errors.push(...validatePath(path, `${field}.http.paths[${at}]`));
    }
    for (const [index, tls] of listAt(object, 'spec', 'tls').entries()) {
      for (const [at, host] of listAt(tls, 'hosts').entries())
        errors.push(...validateHost(String(host), `spec.tls[${index}].hosts[${at}]`));
    }
    const named = fieldAt(object, 'spec', 'ingressClassName');
    const annotated = object.metadata.annotations?.[CLASS_ANNOTATION];
    if (annotated !== undefined && named !== undefined && annotated !== named) {
      const why = 'must match `ingressClassName` when both are specified';
      errors.push(invalidField(`annotations.${CLASS_ANNOTATION}`, annotated, why));
    }
    return errors;
  },
};

export const ingressClassStrategy: Strategy = {
  hasGeneration: true,
  validate(object) {
    const parameters = objectAt(object, 'spec', 'parameters');
    const namespace = parameters['namespace'];
    if (parameters['scope'] === 'Namespace' && namespace === undefined) {
      const why = "`parameters.scope` is set to 'Namespace'";
      return [requiredField('spec.parameters.namespace', why)];
    }
    return [];
  },
  validateUpdate: fixedFields('spec.controller'),
};
