// Probes and hooks of containers: each has one way to find out or to do something.
import type { FieldError } from '#controlplane/api/errors.ts';
import {
  forbiddenField,
  invalidField,
  invalidFields,
  requiredField,
  unsupportedField,
} from '#controlplane/api/field-errors.ts';
import { fieldAt, listAt, numberAt, stringAt } from '#controlplane/api/fields.ts';
import { checkPortNumber, validatePortReference } from './port-rules.ts';

const HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const;
const COUNTS = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
] as const;
const HEADER = /^[-A-Za-z0-9]+$/;
const SCHEMES = ['HTTP', 'HTTPS'] as const;

/** @param graceSeconds of the Pod */
function validateHandler(
  handler: unknown,
  field: string,
  graceSeconds: number,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  let count = 0;
  for (const name of HANDLERS) {
    const part = fieldAt(handler, name);
    if (part === undefined) continue;
    const where = `${field}.${name}`;
    count += 1;
    if (count > 1) errors.push(forbiddenField(where, 'may not specify more than 1 handler type'));
    else errors.push(...validatePart(name, part, where, graceSeconds));
  }
  if (count === 0) errors.push(requiredField(field, 'must specify a handler type'));
  return errors;
}

function validatePart(
  name: (typeof HANDLERS)[number],
  part: unknown,
  field: string,
  graceSeconds: number,
): readonly FieldError[] {
  switch (name) {
    case 'exec':
      return listAt(part, 'command').length === 0 ? [requiredField(`${field}.command`)] : [];
    case 'httpGet':
      return validateRequest(part, field);
    case 'tcpSocket':
      return validatePortReference(fieldAt(part, 'port'), `${field}.port`);
    case 'grpc': {
      const port = numberAt(part, 'port');
      return invalidFields(`${field}.port`, port, checkPortNumber(port));
    }
    case 'sleep': {
      const seconds = numberAt(part, 'seconds');
      if (seconds >= 0 && seconds <= graceSeconds) return [];
      const why = `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`;
      return [invalidField(field, seconds, why)];
    }
  }
}

function validateRequest(request: unknown, field: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (stringAt(request, 'path') === '') errors.push(requiredField(`${field}.path`));
  errors.push(...validatePortReference(fieldAt(request, 'port'), `${field}.port`));
  const scheme = stringAt(request, 'scheme');
  if (!SCHEMES.some((known) => known === scheme))
    errors.push(unsupportedField(`${field}.scheme`, scheme, SCHEMES));
  for (const header of listAt(request, 'httpHeaders')) {
    const name = stringAt(header, 'name');
    if (HEADER.test(name)) continue;
    const why =
      "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";
    errors.push(invalidField(`${field}.httpHeaders`, name, why));
  }
  return errors;
}

function validateProbe(probe: unknown, field: string, graceSeconds: number): readonly FieldError[] {
  const errors = [...validateHandler(probe, field, graceSeconds)];
  for (const name of COUNTS) {
    const count = numberAt(probe, name);
    if (count < 0)
      errors.push(invalidField(`${field}.${name}`, count, 'must be greater than or equal to 0'));
  }
  const grace = fieldAt(probe, 'terminationGracePeriodSeconds');
  if (typeof grace === 'number' && grace <= 0)
    errors.push(
      invalidField(`${field}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'),
    );
  return errors;
}

/** Probes and hooks of a container that goes on running. */
export function validateLifecycle(
  container: unknown,
  at: string,
  graceSeconds: number,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const hook of ['postStart', 'preStop'] as const) {
    const handler = fieldAt(container, 'lifecycle', hook);
    if (handler !== undefined)
      errors.push(...validateHandler(handler, `${at}.lifecycle.${hook}`, graceSeconds));
  }
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    const probe = fieldAt(container, name);
    if (probe === undefined) continue;
    const field = `${at}.${name}`;
    errors.push(...validateProbe(probe, field, graceSeconds));
    const successes = numberAt(probe, 'successThreshold');
    if (name === 'readinessProbe') {
      const grace = fieldAt(probe, 'terminationGracePeriodSeconds');
      if (grace !== undefined) {
        const why = 'must not be set for readinessProbes';
        errors.push(invalidField(`${field}.terminationGracePeriodSeconds`, grace, why));
      }
    } else if (successes !== 1)
      errors.push(invalidField(`${field}.successThreshold`, successes, 'must be 1'));
  }
  return errors;
}
