// What the health check of an image says of a container, where that counts. Pure.
import type { ContainerStatus } from '../runtimes/runtime.ts';

/** Why it is not ready; undefined when it is healthy or has no such check. */
export function healthComplaint(status: ContainerStatus | undefined): string | undefined {
  const health = status?.health;
  if (health === undefined || health.status === 'healthy') return undefined;
  const said = health.message === '' ? '' : `: ${health.message}`;
  return `the health check of its image says ${health.status}${said}`;
}
