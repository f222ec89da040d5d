// What /readyz looks at beside the persistence instances: whether the start is finished, the storage lost, a stop begun.
import type { HealthCheck } from '../http/services.ts';

export class Health {
  isStarted = false;
  isStopping = false;
  storageFailure: string | undefined;

  readonly checks: readonly HealthCheck[] = [
    { name: 'storage', check: () => this.storageFailure },
    { name: 'bootstrap', check: () => (this.isStarted ? undefined : 'start is not finished') },
    { name: 'shutdown', check: () => (this.isStopping ? 'the server is stopping' : undefined) },
  ];
}
