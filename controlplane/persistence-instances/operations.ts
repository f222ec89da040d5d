// What operators ask of persistence, with its errors in the form of the API.
import { ApiError, notFound, serviceUnavailable } from '#controlplane/api/errors.ts';
import type { PersistencePort } from '#controlplane/http/persistence-port.ts';
import { encodeDump } from '#persistence/backup/dump-frames.ts';
import { CorruptDataError, UnknownInstanceError } from '#persistence/errors.ts';
import type { PersistenceLog } from '#persistence/log.ts';
import { persistenceInstanceDefinition } from './definition.ts';
import { SAMPLE_SECONDS } from './last-hour.ts';
import type { Sample } from './last-hour.ts';

export function persistenceOperations(
  log: Pick<PersistenceLog, 'control' | 'instances'>,
  lastHour: (instance: string) => readonly Sample[],
): PersistencePort {
  const { control } = log;
  const locationOf = (instance: string): string =>
    log.instances().find(({ name }) => name === instance)?.location ?? instance;
  return {
    history: (instance) => ({
      kind: 'PersistenceInstanceHistory',
      apiVersion: 'windlass.dev/v1alpha1',
      metadata: { name: instance },
      intervalSeconds: SAMPLE_SECONDS,
      samples: lastHour(instance),
    }),
    dump: (instance, { after, kind, key }, signal) =>
      translated(instance, async () => {
        const dump = await control.dump(instance, signal);
        return encodeDump(
          dump,
          locationOf(instance),
          (record) =>
            record.revision > after &&
            (kind === '' || record.kind === kind) &&
            (key === '' || record.key === key),
        );
      }),
    verify: (instance, signal) => translated(instance, () => control.verify(instance, signal)),
    attach: (url) => translated('', () => control.attach(url)),
    detach: (instance) => translated(instance, () => control.detach(instance)),
    promote: (instance, catchUpSeconds, signal) =>
      translated(instance, () =>
        control.promote(instance, { catchUpMs: catchUpSeconds * 1_000, signal }),
      ),
    resync: (instance) => translated(instance, () => control.resync(instance)),
  };
}

async function translated<T>(instance: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asApiError(error, instance);
  }
}

function asApiError(error: unknown, instance: string): unknown {
  if (error instanceof ApiError || !(error instanceof Error)) return error;
  if (error.name === 'AbortError') return error;
  if (error instanceof UnknownInstanceError)
    return notFound(persistenceInstanceDefinition, instance);
  if (error instanceof CorruptDataError) return new ApiError(500, 'InternalError', error.message);
  // What storage fails with is passing or for the log to tell; anything else is what the manager will not do.
  return error.name.startsWith('Storage')
    ? serviceUnavailable(error.message, error)
    : new ApiError(409, 'Conflict', error.message, { cause: error });
}
