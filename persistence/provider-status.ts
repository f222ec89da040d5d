// What a provider says of an instance, held to the interface: it may be somebody else's, and is asked while metrics and reports are made.
import type { PersistenceProvider, PersistenceProviderStatus } from './provider.ts';

/** Never throws. What says nothing that can be understood is an instance that is there and down. */
export function statusOf(
  provider: Pick<PersistenceProvider, 'instanceStatus'>,
  instance: string,
): PersistenceProviderStatus {
  try {
    const said: unknown = provider.instanceStatus(instance);
    if (typeof said === 'object' && said !== null && 'exists' in said) {
      const { exists, status, meanPersistLatency } = said as Readonly<Record<string, unknown>>;
      const seconds = Number(meanPersistLatency);
      return {
        exists: exists === true,
        status: exists === true && status === true,
        meanPersistLatency: Number.isFinite(seconds) && seconds > 0 ? seconds : 0,
      };
    }
  } catch {
    // As one that gives nothing.
  }
  return { exists: true, status: false, meanPersistLatency: 0 };
}
