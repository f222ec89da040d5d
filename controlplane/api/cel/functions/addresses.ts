// IP addresses and networks in rules. As upstream: no zones, no IPv4 in IPv6 form.
import { EvaluationError } from '../meter.ts';
import { Opaque } from '../values.ts';
import { row } from './row.ts';
import type { FunctionRow } from './row.ts';

export class IpValue extends Opaque {
  readonly typeName = 'net.IP';
  readonly bits: 32 | 128;
  readonly value: bigint;

  constructor(bits: 32 | 128, value: bigint) {
    super();
    this.bits = bits;
    this.value = value;
  }

  canonical(): string {
    if (this.bits === 32) {
      return [24n, 16n, 8n, 0n].map((shift) => (this.value >> shift) & 255n).join('.');
    }
    const groups = Array.from({ length: 8 }, (_, at) =>
      Number((this.value >> BigInt(112 - 16 * at)) & 0xffffn),
    );
    return shortened(groups);
  }

  /** Whether the first `length` bits are those of `other`. */
  sharesPrefix(other: IpValue, length: number): boolean {
    const shift = BigInt(this.bits - length);
    return this.bits === other.bits && this.value >> shift === other.value >> shift;
  }
}

/** RFC 5952: the longest run of two or more zero groups becomes `::`. */
function shortened(groups: readonly number[]): string {
  let best = { at: -1, length: 1 };
  for (let at = 0; at < groups.length; at += 1) {
    let length = 0;
    while (groups[at + length] === 0) length += 1;
    if (length > best.length) best = { at, length };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.at < 0) return hex.join(':');
  return `${hex.slice(0, best.at).join(':')}::${hex.slice(best.at + best.length).join(':')}`;
}

export function parseIp(text: string): IpValue | undefined {
  if (text.length > 45) return undefined;
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): IpValue | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part))) {
    return undefined;
  }
  const numbers = parts.map(Number);
  if (numbers.some((number) => number > 255)) return undefined;
  return new IpValue(
    32,
    numbers.reduce((value, number) => value * 256n + BigInt(number), 0n),
  );
}

function parseIpv6(text: string): IpValue | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [left, right] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const head = left ?? [];
  const tail = right ?? [];
  const missing = 8 - head.length - tail.length;
  if (right === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => '0'), ...tail];
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  const value = groups.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
  // ::ffff:0:0/96 is IPv4 in another dress.
  return value >> 32n === 0xffffn ? undefined : new IpValue(128, value);
}

export class CidrValue extends Opaque {
  readonly typeName = 'net.CIDR';
  readonly address: IpValue;
  readonly length: number;

  constructor(address: IpValue, length: number) {
    super();
    this.address = address;
    this.length = length;
  }

  canonical(): string {
    return `${this.address.canonical()}/${this.length}`;
  }

  masked(): CidrValue {
    const shift = BigInt(this.address.bits - this.length);
    const value = (this.address.value >> shift) << shift;
    return new CidrValue(new IpValue(this.address.bits, value), this.length);
  }
}

export function parseCidr(text: string): CidrValue | undefined {
  const [, host = '', digits = ''] = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  const address = parseIp(host);
  if (address === undefined || digits === '' || Number(digits) > address.bits) return undefined;
  return new CidrValue(address, Number(digits));
}

function ip(text: string): IpValue {
  const parsed = parseIp(text);
  if (parsed === undefined) {
    throw new EvaluationError(`IP Address "${text}" parse error during conversion from string`);
  }
  return parsed;
}

function cidr(text: string): CidrValue {
  const parsed = parseCidr(text);
  if (parsed === undefined) {
    throw new EvaluationError(
      `network address "${text}" parse error during conversion from string`,
    );
  }
  return parsed;
}

function within(address: IpValue, network: string): boolean {
  const { address: base, length } = cidr(network);
  return address.sharesPrefix(base, length);
}

function containsCidr(outer: CidrValue, inner: CidrValue): boolean {
  return (
    outer.length <= inner.length && outer.address.sharesPrefix(inner.masked().address, outer.length)
  );
}

function isLinkLocal(address: IpValue): boolean {
  return within(address, address.bits === 32 ? '169.254.0.0/16' : 'fe80::/10');
}

function isMulticast(address: IpValue): boolean {
  return within(address, address.bits === 32 ? '224.0.0.0/4' : 'ff00::/8');
}

function isLoopback(address: IpValue): boolean {
  return within(address, address.bits === 32 ? '127.0.0.0/8' : '::1/128');
}

export const addressFunctions: readonly FunctionRow[] = [
  row('ip(string): net.IP', (_, text: string) => ip(text)),
  row('isIP(string): bool', (_, text: string) => parseIp(text) !== undefined),
  row('IPNamespace.isCanonical(string): bool', (_, text: string) => ip(text).canonical() === text),
  row('net.IP.family(): int', (_, address: IpValue) => (address.bits === 32 ? 4n : 6n)),
  row('net.IP.isUnspecified(): bool', (_, address: IpValue) => address.value === 0n),
  row('net.IP.isLoopback(): bool', (_, address: IpValue) => isLoopback(address)),
  row('net.IP.isLinkLocalMulticast(): bool', (_, address: IpValue) =>
    address.bits === 32
      ? within(address, '224.0.0.0/24')
      : isMulticast(address) && ((address.value >> 112n) & 15n) === 2n,
  ),
  row('net.IP.isLinkLocalUnicast(): bool', (_, address: IpValue) => isLinkLocal(address)),
  row('net.IP.isGlobalUnicast(): bool', (_, address: IpValue) => {
    const broadcast = address.bits === 32 && address.value === 2n ** 32n - 1n;
    const special = isLoopback(address) || isMulticast(address) || isLinkLocal(address);
    return !broadcast && !special && address.value !== 0n;
  }),
  row('string(net.IP): string', (_, address: IpValue) => address.canonical()),
  row('cidr(string): net.CIDR', (_, text: string) => cidr(text)),
  row('isCIDR(string): bool', (_, text: string) => parseCidr(text) !== undefined),
  row('net.CIDR.containsIP(string): bool', (_, network: CidrValue, text: string) =>
    ip(text).sharesPrefix(network.address, network.length),
  ),
  row('net.CIDR.containsIP(net.IP): bool', (_, network: CidrValue, address: IpValue) =>
    address.sharesPrefix(network.address, network.length),
  ),
  row('net.CIDR.containsCIDR(string): bool', (_, outer: CidrValue, text: string) =>
    containsCidr(outer, cidr(text)),
  ),
  row('net.CIDR.containsCIDR(net.CIDR): bool', (_, outer: CidrValue, inner: CidrValue) =>
    containsCidr(outer, inner),
  ),
  row('net.CIDR.ip(): net.IP', (_, network: CidrValue) => network.address),
  row('net.CIDR.masked(): net.CIDR', (_, network: CidrValue) => network.masked()),
  row('net.CIDR.prefixLength(): int', (_, network: CidrValue) => BigInt(network.length)),
  row('string(net.CIDR): string', (_, network: CidrValue) => network.canonical()),
];
