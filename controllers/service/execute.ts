// Carries out the next step of an operation. Every step may be repeated: creating finds what it made before, deleting names the uid, so
// that it can never hit another object of the same name, and what is written down is written down again.
import { timestamp } from '../machinery/timestamps.ts';
import { CONTROLLER_REVISIONS, PODS } from '../machinery/resources.ts';
import { createVolume } from './create-volume.ts';
import type { ExecuteContext, Step } from './execute-context.ts';
import { createHook } from './execute-hook.ts';
import { createInstance, deletePod, isNodeGone } from './execute-pods.ts';
import { resize } from './execute-update.ts';
import type { Operation } from './plan-types.ts';
import {
  DECLINED_ANNOTATION,
  HOOK_ANNOTATIONS,
  REPLACES_ANNOTATION,
  REVISION_LABEL,
  SWITCHED_ANNOTATION,
} from './types.ts';

/** @returns what happened; `undefined` when there was nothing to do */
export async function execute(
  operation: Operation,
  context: ExecuteContext,
): Promise<Step | undefined> {
  if (operation.step === 'wait') return undefined;
  const why = operation.reasons.join('; ');
  switch (operation.op) {
    case 'createVolume':
      return createVolume(operation.create, context);
    case 'stopPreDeploy':
    case 'stop':
      await deletePod(operation.pod, operation.uid, false, context);
      return { reason: 'InstanceStopped', message: `Stopped ${operation.pod}: ${why}` };
    case 'runPreDeploy':
    case 'runPostDeploy': {
      if (operation.step === 'create') return createHook(operation, context);
      await annotateRevision(
        operation.revision,
        HOOK_ANNOTATIONS[operation.hook],
        'Succeeded',
        context,
      );
      return { reason: 'HookSucceeded', message: `${operation.pod ?? ''} succeeded: ${why}` };
    }
    case 'run':
      return createInstance(operation, { where: operation.node }, context);
    case 'update':
      if (operation.step === 'resize') return resize(operation, context);
      await patchPod(
        operation.pod,
        {
          labels: { [REVISION_LABEL]: operation.revision },
          annotations: { [REPLACES_ANNOTATION]: null, [DECLINED_ANNOTATION]: null },
        },
        context,
      );
      return { reason: 'InstanceUpdated', message: `Updated ${operation.pod} as it runs: ${why}` };
    case 'replace':
      switch (operation.step) {
        case 'create':
          return createInstance(operation, { replaces: operation.uid }, context);
        case 'restore':
          return createInstance(
            operation,
            { replaces: operation.uid, declined: context.target },
            context,
          );
        case 'decline':
          await patchPod(
            operation.stays ?? '',
            { annotations: { [DECLINED_ANNOTATION]: context.target } },
            context,
          );
          return { reason: 'InstanceKept', message: `Kept ${operation.stays ?? ''}: ${why}` };
        case 'delete':
          await deletePod(operation.pod, operation.uid, false, context);
          return {
            reason: 'InstanceStopped',
            message: `Stopped ${operation.pod} (${operation.order}): ${why}`,
          };
        default:
          return operation.step satisfies never;
      }
    case 'remove':
      if (operation.force && !(await isNodeGone(operation.node, context))) return undefined;
      await deletePod(operation.pod, operation.uid, operation.force, context);
      return { reason: 'InstanceRemoved', message: `Removed ${operation.pod}: ${why}` };
    case 'switch':
      await annotateRevision(
        operation.revision,
        SWITCHED_ANNOTATION,
        timestamp(context.now),
        context,
      );
      return { reason: 'TrafficSwitched', message: `Switched: ${why}` };
    default:
      return operation satisfies never;
  }
}

async function patchPod(
  name: string,
  metadata: object,
  { client, service, signal }: ExecuteContext,
): Promise<void> {
  const namespace = service.metadata.namespace ?? '';
  await client.patch(PODS, namespace, name, '', 'merge', { metadata }, signal);
}

async function annotateRevision(
  hash: string,
  annotation: string,
  value: string,
  { client, service, signal }: ExecuteContext,
): Promise<void> {
  const { name, namespace = '' } = service.metadata;
  const patch = { metadata: { annotations: { [annotation]: value } } };
  await client.patch(
    CONTROLLER_REVISIONS,
    namespace,
    `${name}-${hash}`,
    '',
    'merge',
    patch,
    signal,
  );
}
