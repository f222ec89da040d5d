// Why a port could not be listened on, in words that say what to do.
import type { ListenerPlan } from './plan-listeners.ts';

/** @param error of the system */
export function listenFailure(
  { port, kind }: Pick<ListenerPlan, 'port' | 'kind'>,
  address: string,
  error: unknown,
): { readonly reason: string; readonly message: string } {
  const { code, message } = error as NodeJS.ErrnoException;
  const what = `${kind === 'udp' ? 'UDP ' : ''}port ${port} of ${address}`;
  switch (code) {
    case 'EADDRINUSE':
      return {
        reason: 'IngressPortInUse',
        message: `${what} is in use by another program: choose another port in spec.ingress, or free it`,
      };
    case 'EACCES':
      return {
        reason: 'IngressPortNotPermitted',
        message: `${what} is for privileged programs: choose a port above 1023 in spec.ingress, or let Windlass have it (run it as root, give it CAP_NET_BIND_SERVICE, or lower net.ipv4.ip_unprivileged_port_start)`,
      };
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return {
        reason: 'IngressFailed',
        message: `${what} cannot be listened on: this machine has no such address; choose one with --ingress-bind`,
      };
    default:
      return { reason: 'IngressFailed', message: `cannot listen on ${what}: ${message}` };
  }
}
