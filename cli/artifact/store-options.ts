// Flags of commands that work on a store, and what they work with: the parts of the controller, without a server.
import { resolve } from 'node:path';
import { ArtifactParts } from '#controllers/artifact/parts.ts';
import { ArtifactError } from '#controllers/binaries/artifact-error.ts';
import { ArtifactStore } from '#controllers/binaries/artifact-store.ts';
import { systemClock } from '#platform/clock.ts';
import { systemIds } from '#platform/id.ts';
import { createLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { artifactFolders, artifactStoreIn } from '../artifact-options.ts';
import type { CommandIO } from '../command.ts';
import { dataDirectoryAt } from '../data-directory.ts';
import type { OptionTable } from '../options.ts';
import { registriesOf } from '../registries.ts';
import { CommandError } from '../usage-error.ts';
import type { ArtifactFiles } from './artifact-manifests.ts';

export const storeOptions = {
  store: {
    type: 'string',
    placeholder: 'DIR',
    help: 'The store (default: artifacts in the data directory)',
  },
  'data-dir': {
    type: 'string',
    placeholder: 'DIR',
    default: '.windlass',
    help: 'Data directory of the server on this machine',
  },
} as const satisfies OptionTable;

export const artifactFileOption = {
  file: {
    type: 'list',
    short: 'f',
    placeholder: 'PATH',
    help: 'Manifest with Artifacts, or folder of manifests',
  },
} as const satisfies OptionTable;

export interface StoreValues {
  readonly store: string | undefined;
  readonly 'data-dir': string;
}

export function storeFolder({ store, 'data-dir': dataDir }: StoreValues): string {
  return store === undefined ? artifactStoreIn(dataDirectoryAt(dataDir).path) : resolve(store);
}

/** @param onDamage told of each entry that is found damaged, and removed */
export function openStore(values: StoreValues, onDamage?: (digest: string) => void): ArtifactStore {
  return new ArtifactStore({
    folder: storeFolder(values),
    clock: systemClock,
    ids: systemIds,
    ...(onDamage === undefined ? {} : { onDamage }),
  });
}

/** Close them. */
export function partsFor(values: StoreValues, files: ArtifactFiles, io: CommandIO): ArtifactParts {
  return new ArtifactParts({
    ...registriesOf(io.environment),
    folder: storeFolder(values),
    files: artifactFolders([], files.folders),
    client: files.client,
    clock: systemClock,
    logger: createLogger({ format: 'text', level: 'warn' }),
    metrics: new MetricsRegistry(),
    random: Math.random,
  });
}

/** Runs `work`; what an artifact lacks is no defect of ours. */
export async function toldArtifact<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ArtifactError)
      throw new CommandError(error.message, undefined, { cause: error });
    throw error;
  }
}
