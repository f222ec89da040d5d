// Starts a hook of a service.
import { buildHookPod } from './build-hook-pod.ts';
import type { ExecuteContext, Step } from './execute-context.ts';
import { createPod, deletePod, ensureConfigMap, freeName, revisionOf } from './execute-pods.ts';
import type { RunHookOperation } from './plan-types.ts';

export async function createHook(
  operation: RunHookOperation,
  context: ExecuteContext,
): Promise<Step | undefined> {
  const { hook, node, activatedAt, removes, reasons } = operation;
  const { service, settings, claims } = context;
  const setting = settings.hooks[hook];
  if (setting === undefined) return undefined;
  for (const { pod, uid } of removes) await deletePod(pod, uid, false, context);
  const revision = revisionOf(operation.revision, context);
  const name = freeName(context, [operation.revision, hook, String(activatedAt)]);
  await ensureConfigMap(revision, context);
  const pod = buildHookPod({ service, revision, claims, node, name, hook, setting, activatedAt });
  if (!(await createPod(pod, name, context))) return undefined;
  return { reason: 'HookStarted', message: `Started ${name} on ${node}: ${reasons.join('; ')}` };
}
