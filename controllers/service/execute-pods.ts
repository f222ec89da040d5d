// Makes and deletes the Pods of a service.
import { isAlreadyExists, isConflict, isNotFound } from '../machinery/request-error.ts';
import { CONFIG_MAPS, NODES, PODS } from '../machinery/resources.ts';
import { buildConfigMap } from './build-config-map.ts';
import { buildPod, podName } from './build-pod.ts';
import type { ExecuteContext, Step } from './execute-context.ts';
import type { Pod } from './instance.ts';
import type { ReplaceOperation, RevisionFacts, RunOperation } from './plan-types.ts';

interface Cause {
  /** Where it goes, when nothing else tells this decision from others. */
  readonly where?: string;
  /** uid of the instance that it takes over from. */
  readonly replaces?: string;
  readonly declined?: string;
}

export async function createInstance(
  operation: RunOperation | ReplaceOperation,
  { where = '', replaces, declined }: Cause,
  context: ExecuteContext,
): Promise<Step | undefined> {
  const { service, claims } = context;
  const { node } = operation;
  const revision = revisionOf(operation.revision, context);
  // Where it goes is part of the decision only where it must go there.
  const decision =
    replaces === undefined
      ? ['run', service.spec.mode === 'Global' ? where : '']
      : [declined === undefined ? 'replace' : 'restore', replaces];
  const name = freeName(context, [operation.revision, ...decision]);
  await ensureConfigMap(revision, context);
  const pod = buildPod({ service, revision, claims, node, replaces, declined, name });
  if (!(await createPod(pod, name, context))) return undefined;
  const why = operation.reasons.join('; ');
  const task = operation.op === 'run' ? '' : ` to replace ${operation.pod}`;
  return { reason: 'InstanceCreated', message: `Created ${name} on ${node}${task}: ${why}` };
}

export function revisionOf(hash: string, { revisionOf: find }: ExecuteContext): RevisionFacts {
  const revision = find(hash);
  if (revision !== undefined) return revision;
  throw new Error(`Cannot create an instance of revision ${hash}: it is not in the history`);
}

/**
 * The first name of a row that follows from what is decided and nothing else. So whoever decides the same, a moment later or in
 * another process, comes to the same name, whatever else it saw; and what still has a name, until it is gone, keeps it.
 */
export function freeName(
  { service, taken, tried }: ExecuteContext,
  decision: readonly string[],
): string {
  const row = decision.join('\n');
  for (let attempt = tried.get(row) ?? 0; ; attempt += 1) {
    const name = podName(service, [...decision, String(attempt)]);
    if (taken.has(name)) continue;
    taken.add(name);
    tried.set(row, attempt + 1);
    return name;
  }
}

/** The files of a revision; they never change, so finding them there is as good as making them. */
export function ensureConfigMap(revision: RevisionFacts, context: ExecuteContext): Promise<void> {
  const known = context.files.get(revision.hash);
  if (known !== undefined) return known;
  const made = createConfigMap(revision, context);
  context.files.set(revision.hash, made);
  return made;
}

async function createConfigMap(
  revision: RevisionFacts,
  { client, service, signal }: ExecuteContext,
): Promise<void> {
  const object = buildConfigMap(service, revision.data.configs ?? []);
  if (object === undefined) return;
  try {
    await client.create(CONFIG_MAPS, service.metadata.namespace ?? '', object, signal);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

/** @returns false when it was there already */
export async function createPod(
  pod: object,
  name: string,
  { client, service, signal }: ExecuteContext,
): Promise<boolean> {
  const namespace = service.metadata.namespace ?? '';
  try {
    await client.create<Pod>(PODS, namespace, pod, signal);
    return true;
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const existing = await client.get<Pod>(PODS, namespace, name, signal);
    const owner = existing.metadata.ownerReferences?.find(({ controller }) => controller === true);
    if (owner?.uid !== service.metadata.uid || existing.metadata.deletionTimestamp !== undefined) {
      throw new Error(`Cannot create Pod ${namespace}/${name}: another one has that name`, {
        cause: error,
      });
    }
    return false;
  }
}

export async function deletePod(
  name: string,
  uid: string,
  force: boolean,
  { client, service, signal }: ExecuteContext,
): Promise<void> {
  try {
    await client.delete(
      PODS,
      service.metadata.namespace ?? '',
      name,
      { uid, ...(force ? { gracePeriodSeconds: 0 } : {}) },
      signal,
    );
  } catch (error) {
    // Gone already, or another Pod has the name by now.
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}

/** Asked of the server itself: the cache of Nodes may be behind the cache of Pods. */
export async function isNodeGone(
  name: string,
  { client, signal }: ExecuteContext,
): Promise<boolean> {
  if (name === '') return true;
  try {
    await client.get(NODES, '', name, signal);
    return false;
  } catch (error) {
    if (isNotFound(error)) return true;
    throw error;
  }
}
