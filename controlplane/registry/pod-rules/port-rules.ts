// Ports of containers: their numbers and names, and that no two of a Pod want the same port of its machine.
import type { FieldError } from '#controlplane/api/errors.ts';
import {
  duplicateField,
  invalidField,
  invalidFields,
  requiredField,
  unsupportedField,
} from '#controlplane/api/field-errors.ts';
import { fieldAt, listAt, numberAt, stringAt } from '#controlplane/api/fields.ts';
import { portNameProblems } from '#controlplane/api/names.ts';

const PROTOCOLS = ['SCTP', 'TCP', 'UDP'] as const;

const RANGE = 'must be between 1 and 65535, inclusive';

export function checkPortNumber(port: number): string | undefined {
  return port >= 1 && port <= 65_535 ? undefined : RANGE;
}

/** A port by number or by name. @param port a number stands for itself, nothing for 0 */
export function validatePortReference(port: unknown, field: string): readonly FieldError[] {
  if (typeof port === 'string') return invalidFields(field, port, portNameProblems(port));
  const number = typeof port === 'number' ? port : 0;
  return invalidFields(field, number, checkPortNumber(number));
}

/** @param at where the container stands */
export function validatePorts(container: unknown, at: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [index, port] of listAt(container, 'ports').entries()) {
    const field = `${at}.ports[${index}]`;
    const name = stringAt(port, 'name');
    const problems = name === '' ? [] : portNameProblems(name);
    errors.push(...invalidFields(`${field}.name`, name, problems));
    if (name !== '' && problems.length === 0) {
      if (names.has(name)) errors.push(duplicateField(`${field}.name`, name));
      names.add(name);
    }
    const number = numberAt(port, 'containerPort');
    if (number === 0) errors.push(requiredField(`${field}.containerPort`));
    else errors.push(...invalidFields(`${field}.containerPort`, number, checkPortNumber(number)));
    const hostPort = numberAt(port, 'hostPort');
    if (hostPort !== 0)
      errors.push(...invalidFields(`${field}.hostPort`, hostPort, checkPortNumber(hostPort)));
    const protocol = stringAt(port, 'protocol');
    if (!PROTOCOLS.some((known) => known === protocol))
      errors.push(unsupportedField(`${field}.protocol`, protocol, PROTOCOLS));
  }
  return errors;
}

/** Ports of the machine that two containers want, or one twice. @param list where the containers stand */
export function validateHostPorts(
  containers: readonly unknown[],
  list: string,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  const taken = new Set<string>();
  for (const [place, container] of containers.entries()) {
    for (const [index, port] of listAt(container, 'ports').entries()) {
      const hostPort = numberAt(port, 'hostPort');
      if (hostPort === 0) continue;
      const key = `${stringAt(port, 'protocol')}/${stringAt(port, 'hostIP')}/${hostPort}`;
      if (taken.has(key))
        errors.push(duplicateField(`${list}[${place}].ports[${index}].hostPort`, key));
      taken.add(key);
    }
  }
  return errors;
}

/** On its machine's network a Pod has its ports where they are. @param isPod in a template the port may be left out */
export function validateHostNetworkPorts(
  spec: unknown,
  at: string,
  isPod: boolean,
): readonly FieldError[] {
  if (fieldAt(spec, 'hostNetwork') !== true) return [];
  const errors: FieldError[] = [];
  for (const list of ['containers', 'initContainers'] as const) {
    for (const [place, container] of listAt(spec, list).entries()) {
      for (const [index, port] of listAt(container, 'ports').entries()) {
        const hostPort = numberAt(port, 'hostPort');
        if (hostPort === numberAt(port, 'containerPort') || (hostPort === 0 && !isPod)) continue;
        const why = 'must match `containerPort` when `hostNetwork` is true';
        errors.push(
          invalidField(`${at}.${list}[${place}].ports[${index}].hostPort`, hostPort, why),
        );
      }
    }
  }
  return errors;
}
