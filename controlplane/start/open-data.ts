// Opens what is kept: the instances, the store over them, the keys of Secrets, and the objects that show the instances.
import type { openMachineId } from '#persistence/machine-id.ts';
import { openPersistence } from '#persistence/open.ts';
import { openKeyring } from '#persistence/secrets/open-keyring.ts';
import { Sealer } from '#persistence/secrets/sealer.ts';
import { systemIds } from '#platform/id.ts';

import type { Health } from './health.ts';
import type { ControlPlaneOptions } from './options.ts';
import { showPersistence } from '../persistence-instances/show-persistence.ts';
import type { ShownPersistence } from '../persistence-instances/show-persistence.ts';
import { SecretsKeys } from '../secrets/secrets-keys.ts';
import { openStore } from '../store/store.ts';

/** What it opens is closed with `cleanup`, also when it throws. */
export async function openData(
  options: ControlPlaneOptions,
  machineId: Awaited<ReturnType<typeof openMachineId>>,
  health: Health,
  cleanup: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<{ readonly shown: ShownPersistence; readonly secrets: SecretsKeys }> {
  const { clock, logger, metrics } = options;
  const sealer = new Sealer(await openKeyring(options.secretsKeys, clock), options.sealKinds);
  const log = await openPersistence(
    {
      ...options.replication,
      urls: options.persistence,
      machineId,
      dataDir: options.dataDir,
      clock,
      warn: (message) => logger.warn(message),
    },
    signal,
  );
  cleanup.use(log);
  const store = await openStore({
    log,
    clock,
    metrics,
    transformer: sealer,
    relaxed: options.relaxed ?? [],
    signal,
    onFailure: (error) => {
      // Each batch that was under way says it.
      if (health.storageFailure === error.message) return;
      health.storageFailure = error.message;
      logger.error('Storage is lost; writes are refused from now on', { error });
      options.onFailure?.(error);
    },
  });
  cleanup.use(store);
  const shown = showPersistence({ log, store, clock, ids: systemIds, logger });
  cleanup.defer(() => shown.close());
  const secrets = new SecretsKeys({
    store,
    sealer,
    logger,
    replay: (aborted) => log.replay(aborted),
    lagging: () =>
      log.instances().find(({ state, lagRevisions }) => state !== 'Up' || lagRevisions > 0)?.name,
  });
  cleanup.use(secrets);
  const stale = secrets.staleObjects().length;
  if (stale > 0)
    logger.warn('Not all Secrets are sealed with the first key: run windlass secrets rotate', {
      objects: stale,
    });
  return { shown, secrets };
}
