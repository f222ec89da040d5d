// Which of its addresses a host is known by to the others: a private one of its own, never one that moves from host to host.

/**
 * The first private IPv4 address (RFC 1918, RFC 6598), else the first private IPv6 one (RFC 4193), that is nobody else's.
 *
 * @param addresses of the host's interfaces, IPv4 first
 * @param virtual addresses that a load balancer moves between hosts; none where there is no such balancer or it is off;
 *   `unknown` when it could not be found out: then no address is safe to choose
 */
export function privateAddress(
  addresses: readonly string[],
  virtual: readonly string[] | 'unknown',
): string | undefined {
  if (virtual === 'unknown') return undefined;
  return addresses.find((address) => isPrivate(address) && !virtual.includes(address));
}

function isPrivate(address: string): boolean {
  const [first = 0, second = 0] = address.split('.').map(Number);
  if (address.includes(':')) return /^f[cd]/i.test(address);
  return (
    first === 10 ||
    (first === 172 && second >= 16 && second < 32) ||
    (first === 192 && second === 168) ||
    (first === 100 && second >= 64 && second < 128)
  );
}
