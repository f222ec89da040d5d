// Drops what the history of a service keeps beyond its limit: old revisions, and the files that only they had.
import type { Client } from '../machinery/client-types.ts';
import { isNotFound } from '../machinery/request-error.ts';
import { CONFIG_MAPS, CONTROLLER_REVISIONS } from '../machinery/resources.ts';
import type { PlanInput } from './plan-types.ts';
import { configMapName } from './render.ts';
import { obsoleteRevisions } from './revision.ts';
import type { ControllerRevision } from './revision.ts';
import { SERVICE_LABEL } from './types.ts';

/** @param limit how many revisions are kept that nothing needs */
export async function pruneRevisions(
  client: Client,
  limit: number,
  revisions: readonly ControllerRevision[],
  input: PlanInput,
  signal: AbortSignal,
): Promise<void> {
  const inUse = new Set([
    input.target.hash,
    ...(input.current === undefined ? [] : [input.current.hash]),
    ...input.instances.map(({ revision }) => revision),
  ]);
  const obsolete = obsoleteRevisions(revisions, inUse, limit);
  for (const revision of obsolete) {
    const { namespace = '', name, uid } = revision.metadata;
    const staying = revisions.filter((other) => !obsolete.includes(other));
    await pruneFiles(client, revision, staying, signal);
    await client.delete(CONTROLLER_REVISIONS, namespace, name, { uid }, signal);
  }
}

/** The ConfigMap of a revision that goes, unless one that stays has the same files. */
async function pruneFiles(
  client: Client,
  revision: ControllerRevision,
  staying: readonly ControllerRevision[],
  signal: AbortSignal,
): Promise<void> {
  const name = filesOf(revision);
  if (name === undefined || staying.some((other) => filesOf(other) === name)) return;
  try {
    await client.delete(CONFIG_MAPS, revision.metadata.namespace ?? '', name, {}, signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function filesOf({ metadata, data }: ControllerRevision): string | undefined {
  const configs = data?.spec?.configs;
  return configs === undefined
    ? undefined
    : configMapName(metadata.labels?.[SERVICE_LABEL] ?? '', configs);
}
