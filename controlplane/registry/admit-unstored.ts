// Requests whose object is stored nowhere (bindings, evictions, tokens, reviews, streams of Pods): webhooks and policies are asked
// about them like about any write.
import { parseAPIVersion } from '#controlplane/api/object.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { conformObject } from '#controlplane/api/schema/decode.ts';
import { builtinSchema } from '#controlplane/api/schema/corpus.ts';
import { admissionNamespace, gateOf } from './admission.ts';
import type { Operation } from './admission.ts';
import type { Environment } from './environment.ts';
import { requestOptions } from './mutated-object.ts';
import type { Target, WriteContext } from './types.ts';

/** @returns the object as they want it */
export async function admitUnstored(
  env: Environment,
  operation: Extract<Operation, 'CREATE' | 'CONNECT'>,
  { definition, namespace, name }: Target,
  subresource: string,
  object: KubernetesObject,
  context: WriteContext,
): Promise<KubernetesObject> {
  const gate = gateOf(env, definition, subresource, operation, context);
  if (gate === undefined) return object;
  const sub = definition.subresources.find((other) => other.name === subresource);
  const { group, version } = parseAPIVersion(object.apiVersion ?? '');
  const own = { group, version, kind: object.kind };
  const kind = operation === 'CONNECT' ? own : (sub?.kind ?? definition);
  const schema = builtinSchema(kind.group, kind.version, kind.kind);
  const request = {
    operation,
    definition,
    subresource,
    kind,
    namespace: admissionNamespace(definition, namespace, name),
    name,
    object: {
      ...object,
      kind: kind.kind,
      apiVersion: kind.group === '' ? kind.version : `${kind.group}/${kind.version}`,
    } as KubernetesObject,
    old: undefined,
    options: operation === 'CONNECT' ? undefined : requestOptions('CreateOptions', context),
    context,
    refine: (made: KubernetesObject) => {
      if (schema !== undefined) conformObject(made, schema);
    },
  };
  const admitted = (await gate.mutate?.(request)) ?? request.object;
  await gate.validate?.({ ...request, object: admitted });
  return admitted;
}
