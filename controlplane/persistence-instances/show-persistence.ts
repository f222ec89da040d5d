// Everything that is seen of persistence from outside, put together: the PersistenceInstance objects on top of the store, the
// checks of /readyz, log lines and events.
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import type { Scheme } from '#controlplane/api/scheme.ts';
import type { PersistencePort } from '#controlplane/http/persistence-port.ts';
import { internalContext } from '#controlplane/registry/internal-context.ts';
import type { Registry } from '#controlplane/registry/types.ts';
import { OverlayStore } from '#controlplane/store/overlay-store.ts';
import type { Store } from '#controlplane/store/types.ts';
import type { PersistenceLog } from '#persistence/log.ts';
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { Logger } from '#platform/logging.ts';
import { persistenceInstanceDefinition } from './definition.ts';
import { instanceChecks } from './instance-checks.ts';
import type { InstanceCheck } from './instance-checks.ts';
import { InstanceEvents } from './instance-events.ts';
import { persistenceOperations } from './operations.ts';
import { PersistenceInstances } from './persistence-instances.ts';

export interface ShowPersistenceOptions {
  /** Open. */
  readonly log: PersistenceLog;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
}

export interface ShownPersistence {
  /** The store, with the PersistenceInstances on top. */
  readonly store: Store;
  readonly definitions: readonly ResourceDefinition[];
  readonly checks: readonly InstanceCheck[];
  /** What operators may ask for. */
  readonly operations: PersistencePort;
  /** Writes events from now on. @returns how to stop */
  recordEvents(registry: Pick<Registry, 'create'>, scheme: Scheme): () => void;
  close(): void;
}

export function showPersistence(options: ShowPersistenceOptions): ShownPersistence {
  const { log, store, clock, ids } = options;
  const instances = new PersistenceInstances(options);
  return {
    store: new OverlayStore(store, [instances.resource]),
    definitions: [persistenceInstanceDefinition],
    checks: instanceChecks(log),
    operations: persistenceOperations(log, (instance) => instances.lastHour(instance)),
    recordEvents(registry, scheme) {
      const definition = scheme.byResource('', 'v1', 'events');
      if (definition === undefined) throw new TypeError('events are not served');
      const closing = new AbortController();
      const context = internalContext('windlass-persistence', closing.signal);
      const events = new InstanceEvents({
        log,
        clock,
        ids,
        write: (object) =>
          registry.create(definition, 'default', { object, problems: [] }, context),
      });
      return () => {
        closing.abort(new Error('the control plane is stopping'));
        events.close();
      };
    },
    close: () => instances.close(),
  };
}
