// Carries out the next step of an operation. Every step may be repeated: creating finds the Pod that it made before, deleting names
// the uid, so that it can never hit another Pod of the same name.
import type { Client } from '../machinery/client-types.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../machinery/request-error.ts';
import { NODES, PODS } from '../machinery/resources.ts';
import { buildPod, podName } from './build-pod.ts';
import type { Pod } from './instance.ts';
import type { Operation } from './plan-types.ts';
import type { PodTemplate, Service } from './types.ts';

export interface ExecuteContext {
  readonly client: Client;
  readonly service: Service;
  /** Names of all Pods of the service that are there; new ones are added. */
  readonly taken: Set<string>;
  readonly templateOf: (revision: string) => PodTemplate | undefined;
  readonly signal: AbortSignal;
}

/** What happened, for an event and the log; `undefined` when there was nothing to do. */
export interface Step {
  readonly reason: 'InstanceCreated' | 'InstanceStopped' | 'InstanceRemoved';
  readonly message: string;
}

export async function execute(
  operation: Operation,
  context: ExecuteContext,
): Promise<Step | undefined> {
  if (operation.step === 'wait') return undefined;
  const why = operation.reasons.join('; ');
  switch (operation.op) {
    case 'run': {
      // Where it goes is part of the decision only where it must go there.
      const where = context.service.spec.mode === 'Global' ? operation.node : '';
      const name = freeName(context, [operation.revision, 'run', where]);
      if (!(await createPod(operation, name, undefined, context))) return undefined;
      return { reason: 'InstanceCreated', message: `Created ${name} on ${operation.node}: ${why}` };
    }
    case 'replace': {
      if (operation.step === 'create') {
        const name = freeName(context, [operation.revision, 'replace', operation.uid]);
        if (!(await createPod(operation, name, operation.uid, context))) return undefined;
        const message = `Created ${name} on ${operation.node} to replace ${operation.pod}: ${why}`;
        return { reason: 'InstanceCreated', message };
      }
      await deletePod(operation.pod, operation.uid, false, context);
      return {
        reason: 'InstanceStopped',
        message: `Stopped ${operation.pod} (${operation.order}): ${why}`,
      };
    }
    case 'remove': {
      if (operation.force && !(await isNodeGone(operation.node, context))) return undefined;
      await deletePod(operation.pod, operation.uid, operation.force, context);
      return { reason: 'InstanceRemoved', message: `Removed ${operation.pod}: ${why}` };
    }
    default:
      return operation satisfies never;
  }
}

/**
 * The first name of a row that follows from what is decided and nothing else. So whoever decides the same, a moment later or in
 * another process, comes to the same name, whatever else it saw; and what still has a name, until it is gone, keeps it.
 */
function freeName({ service, taken }: ExecuteContext, decision: readonly string[]): string {
  for (let attempt = 0; ; attempt += 1) {
    const name = podName(service, [...decision, String(attempt)]);
    if (taken.has(name)) continue;
    taken.add(name);
    return name;
  }
}

/** @returns false when it was there already */
async function createPod(
  { revision, node }: { readonly revision: string; readonly node: string },
  name: string,
  replaces: string | undefined,
  { client, service, templateOf, signal }: ExecuteContext,
): Promise<boolean> {
  const template = templateOf(revision);
  if (template === undefined) {
    throw new Error(`Cannot create an instance of revision ${revision}: it is not in the history`);
  }
  const namespace = service.metadata.namespace ?? '';
  try {
    await client.create<Pod>(
      PODS,
      namespace,
      buildPod({ service, template, revision, node, replaces, name }),
      signal,
    );
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

async function deletePod(
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
async function isNodeGone(name: string, { client, signal }: ExecuteContext): Promise<boolean> {
  if (name === '') return true;
  try {
    await client.get(NODES, '', name, signal);
    return false;
  } catch (error) {
    if (isNotFound(error)) return true;
    throw error;
  }
}
