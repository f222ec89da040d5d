// Changes the resources of an instance while it runs.
import { isRefused } from '../machinery/request-error.ts';
import { PODS } from '../machinery/resources.ts';
import type { ExecuteContext, Step } from './execute-context.ts';
import { revisionOf } from './execute-pods.ts';
import type { Pod } from './instance.ts';
import type { UpdateOperation } from './plan-types.ts';
import { RESIZE_REFUSED_ANNOTATION } from './types.ts';
import { withFields } from './with-fields.ts';

export async function resize(
  operation: UpdateOperation,
  context: ExecuteContext,
): Promise<Step | undefined> {
  const { client, service, signal } = context;
  const namespace = service.metadata.namespace ?? '';
  const wanted = new Map(
    revisionOf(operation.revision, context).template.spec.containers.map((container) => [
      container.name,
      container.resources ?? {},
    ]),
  );
  const pod = await client.get<Pod>(PODS, namespace, operation.pod, signal);
  if (pod.metadata.uid !== operation.uid) return undefined;
  const containers = pod.spec.containers.map((container) =>
    withFields(container, { resources: wanted.get(container.name) ?? {} }),
  );
  const wish = { ...pod, spec: withFields(pod.spec, { containers }) };
  try {
    await client.update(PODS, wish, 'resize', signal);
  } catch (error) {
    if (!isRefused(error)) throw error;
    // It will be replaced; written down, so that nobody asks again.
    const annotations = { [RESIZE_REFUSED_ANNOTATION]: operation.revision };
    const patch = { metadata: { annotations } };
    await client.patch(PODS, namespace, operation.pod, '', 'merge', patch, signal);
    return undefined;
  }
  return {
    reason: 'InstanceUpdated',
    message: `Changing resources of ${operation.pod} as it runs: ${operation.reasons.join('; ')}`,
  };
}
