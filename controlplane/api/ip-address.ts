// IP addresses and ranges as text: which family, and what is wrong with one, in upstream's wording, or undefined.
import { matchesFormat } from './schema/formats.ts';

const PREFIX_MAXIMUM = { 0: -1, 4: 32, 6: 128 } as const;

/** 0 for what is no address. */
export function familyOf(value: string): 0 | 4 | 6 {
  if (matchesFormat('ipv4', value)) return 4;
  return matchesFormat('ipv6', value) ? 6 : 0;
}

export function checkIPAddress(value: string): string | undefined {
  return familyOf(value) === 0
    ? 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
    : undefined;
}

export function checkCIDR(value: string): string | undefined {
  const slash = value.indexOf('/');
  const most = slash < 0 ? -1 : PREFIX_MAXIMUM[familyOf(value.slice(0, slash))];
  const length = value.slice(slash + 1);
  return /^\d{1,3}$/.test(length) && Number(length) <= most
    ? undefined
    : 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';
}
