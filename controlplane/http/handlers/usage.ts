// GET of NodeMetrics and PodMetrics: the nodes in question are asked at once, and those that do not answer are left out, as
// metrics-server does it. One that is asked for by name is not found then.
import { notFound } from '../../api/errors.ts';
import type { KubernetesObject } from '../../api/object.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import { fieldAt, stringAt } from '../../api/fields.ts';
import { decodeStored } from '../../registry/objects.ts';
import type { StoredObject } from '../../store/types.ts';

import type { Handler, RequestContext } from '../context.ts';
import { selectionOf } from '../list-options.ts';
import { shapedList } from '../list-shape.ts';
import { negotiateList, negotiateObject } from '../negotiate.ts';
import { sendValue, shapeOf } from '../send-object.ts';
import type { Services } from '../services.ts';
import { USAGE_GROUP, nodeMetricsDefinition } from '../usage/definitions.ts';
import { askUsage } from '../usage/node-usage.ts';
import type { NodeUsage } from '../usage/node-usage.ts';
import { nodeMetrics, podMetrics } from '../usage/usage-object.ts';
import { definitionOf } from './get.ts';

/** A node measures for a second; one that has not answered long after that is not waited for. */
const ANSWER_LIMIT_MS = 5_000;

export function isUsage({ group }: ResourceDefinition): boolean {
  return group === USAGE_GROUP;
}

export function usageHandler(services: Services): Handler {
  return async (context) => {
    const definition = definitionOf(context);
    const { accept } = context.request.headers;
    if (context.info.verb === 'list') {
      const representation = negotiateList(accept);
      const objects = await measure(services, context, definition, subjects(services, context));
      const metadata = { resourceVersion: '' };
      const shape = [definition, objects, metadata, representation] as const;
      return sendValue(context, 200, representation, shapedList(services.clock, context, ...shape));
    }
    const representation = negotiateObject(accept);
    const { name } = context.info;
    const stored = subjects(services, context).filter((one) => one.name === name);
    const [object] = await measure(services, context, definition, stored);
    if (object === undefined) throw notFound(definition, name);
    const shape = shapeOf(context, definition, object, representation, services.clock);
    return sendValue(context, 200, representation, shape);
  };
}

/** The Nodes or Pods that are asked about. */
function subjects({ scheme, store }: Services, context: RequestContext): readonly StoredObject[] {
  const { info } = context;
  const of = scheme.byResource('', 'v1', info.resource);
  if (of === undefined) throw new TypeError(`nothing serves ${info.resource}`);
  const { matches } = selectionOf({ query: info.query, name: '' }, definitionOf(context));
  const { items } = store.list(of.storageKey, {
    ...(info.namespace === '' ? {} : { namespace: info.namespace }),
    ...(matches === undefined ? {} : { matches }),
  });
  return items;
}

async function measure(
  services: Services,
  context: RequestContext,
  definition: ResourceDefinition,
  stored: readonly StoredObject[],
): Promise<readonly KubernetesObject[]> {
  const of = services.scheme.byResource('', 'v1', definition.resource);
  if (of === undefined) return [];
  const objects = stored.map((one) => decodeStored(one, of));
  const isNode = definition === nodeMetricsDefinition;
  const nodeOf = (object: KubernetesObject): string =>
    isNode ? (object.metadata.name ?? '') : runningOn(object);
  const nodes = new Set(objects.map(nodeOf).filter((name) => services.tunnels.isConnected(name)));
  const answers = await Promise.all(
    [...nodes].map(async (name) => [name, await ask(services, name, context.signal)] as const),
  );
  const usages = new Map(answers);
  return objects.flatMap((object) => {
    const usage = usages.get(nodeOf(object));
    if (usage === undefined) return [];
    return isNode ? nodeMetrics(object, usage.node) : (podMetrics(object, usage.containers) ?? []);
  });
}

function runningOn(pod: KubernetesObject): string {
  return fieldAt(pod, 'status', 'phase') === 'Running' ? stringAt(pod, 'spec', 'nodeName') : '';
}

/** undefined when the node does not answer in time, or does not know the question: its agent may be of an earlier release. */
async function ask(
  { tunnels, clock, logger }: Services,
  node: string,
  signal: AbortSignal,
): Promise<NodeUsage | undefined> {
  const late = new AbortController();
  const cancel = clock.schedule(ANSWER_LIMIT_MS, () => late.abort(new Error('no answer in time')));
  try {
    return await askUsage(tunnels, node, AbortSignal.any([signal, late.signal]));
  } catch (error) {
    signal.throwIfAborted();
    logger.debug('Node does not say what it uses', { node, error });
    return undefined;
  } finally {
    cancel();
  }
}
