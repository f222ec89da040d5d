// Names of the kernel parameters that a Pod asks for: upstream's rules and words.
import type { FieldError } from '#controlplane/api/errors.ts';
import { duplicateField, invalidField, requiredField } from '#controlplane/api/field-errors.ts';
import { listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';

const MAXIMUM_LENGTH = 253;
const SEGMENT = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const ONE_SEGMENT = new RegExp(`^${SEGMENT}$`);
const SHAPE = `must have at most ${MAXIMUM_LENGTH} characters and match regex ^(${SEGMENT}[\\./])*${SEGMENT}$`;

/** What belongs to a namespace that a Pod may share with its machine, by the field that says so. */
const OF_HOST: readonly (readonly [field: string, names: RegExp])[] = [
  ['hostNetwork', /^net\./],
  ['hostIPC', /^(kernel\.(shm|msg|sem)|fs\.mqueue\.)/],
];

/** @param at where the PodSpec stands */
export function validateSysctls(spec: unknown, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [index, sysctl] of listAt(spec, 'securityContext', 'sysctls').entries()) {
    const field = `${at}.securityContext.sysctls[${index}].name`;
    const name = stringAt(sysctl, 'name');
    if (name === '') errors.push(requiredField(field));
    else if (!isSysctlName(name)) errors.push(invalidField(field, name, SHAPE));
    else if (names.has(name)) errors.push(duplicateField(field, name));
    names.add(name);
    for (const [shared, ofHost] of OF_HOST) {
      if (objectAt(spec)[shared] !== true || !ofHost.test(withDots(name))) continue;
      errors.push(invalidField(field, name, `may not be specified when '${shared}' is true`));
    }
  }
  return errors;
}

function isSysctlName(name: string): boolean {
  return (
    name.length <= MAXIMUM_LENGTH && name.split(/[./]/).every((part) => ONE_SEGMENT.test(part))
  );
}

/** `net/ipv4/conf/eth0.1` is `net.ipv4.conf.eth0/1`: whichever stands first separates. */
function withDots(name: string): string {
  if (/[./]/.exec(name)?.[0] !== '/') return name;
  return name.replaceAll(/[./]/g, (char) => (char === '/' ? '.' : '/'));
}
