// How a Pod finds names.
import type { FieldError } from '#controlplane/api/errors.ts';
import {
  invalidField,
  invalidFields,
  requiredField,
  unsupportedField,
} from '#controlplane/api/field-errors.ts';
import { fieldAt, listAt, stringAt } from '#controlplane/api/fields.ts';
import { checkIPAddress } from '#controlplane/api/ip-address.ts';

const POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'] as const;
const NAMESERVERS_MAXIMUM = 3;
const SEARCHES_MAXIMUM = 32;
const SEARCH_CHARACTERS_MAXIMUM = 2048;
const PART = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const SEARCH = new RegExp(`^${PART}(\\.${PART})*$`);

/** @param at where the PodSpec stands */
export function validateDNS(spec: unknown, at: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const policy = stringAt(spec, 'dnsPolicy');
  if (policy !== '' && !POLICIES.some((known) => known === policy))
    errors.push(unsupportedField(`${at}.dnsPolicy`, policy, POLICIES));
  const field = `${at}.dnsConfig`;
  const config = fieldAt(spec, 'dnsConfig');
  const servers = listAt(config, 'nameservers');
  if (policy === 'None') {
    if (config === undefined) {
      const why = 'must provide `dnsConfig` when `dnsPolicy` is None';
      return [...errors, requiredField(field, why)];
    }
    if (servers.length === 0) {
      const why = 'must provide at least one DNS nameserver when `dnsPolicy` is None';
      return [...errors, requiredField(`${field}.nameservers`, why)];
    }
  }
  if (servers.length > NAMESERVERS_MAXIMUM) {
    const why = `must not have more than ${NAMESERVERS_MAXIMUM} nameservers`;
    errors.push(invalidField(`${field}.nameservers`, servers, why));
  }
  for (const [index, server] of servers.entries())
    errors.push(
      ...invalidFields(`${field}.nameservers[${index}]`, server, checkIPAddress(String(server))),
    );
  errors.push(...validateSearches(listAt(config, 'searches').map(String), `${field}.searches`));
  for (const [index, option] of listAt(config, 'options').entries())
    if (stringAt(option, 'name') === '')
      errors.push(requiredField(`${field}.options[${index}]`, 'must not be empty'));
  return errors;
}

function validateSearches(searches: readonly string[], field: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (searches.length > SEARCHES_MAXIMUM) {
    const why = `must not have more than ${SEARCHES_MAXIMUM} search paths`;
    errors.push(invalidField(field, searches, why));
  }
  if (searches.join(' ').length > SEARCH_CHARACTERS_MAXIMUM) {
    const why = `must not have more than ${SEARCH_CHARACTERS_MAXIMUM} characters (including spaces) in the search list`;
    errors.push(invalidField(field, searches, why));
  }
  for (const [index, written] of searches.entries()) {
    if (written === '.') continue;
    const search = written.replace(/\.$/, '');
    errors.push(...invalidFields(`${field}[${index}]`, search, searchProblem(search)));
  }
  return errors;
}

function searchProblem(search: string): string | undefined {
  if (search.length > 253) return 'must be no more than 253 characters';
  if (SEARCH.test(search)) return undefined;
  return `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${PART}(\\.${PART})*')`;
}
