// The Pod for one instance. Its name follows from the decision, so that executing one decision twice (a crash, a cache that lags)
// makes one Pod and one AlreadyExists, never two Pods. Pure.
import { AWAY_TAINTS } from '../machinery/node-fit.ts';
import { controllerReference } from '../machinery/owner-references.ts';
import { SERVICES } from '../machinery/resources.ts';
import { safeHash } from './revision.ts';
import { REPLACES_ANNOTATION, REVISION_LABEL, SERVICE_LABEL } from './types.ts';
import type { PodTemplate, Service } from './types.ts';

export interface PodOrder {
  readonly service: Service;
  readonly template: PodTemplate;
  readonly revision: string;
  readonly node: string;
  /** uid of the instance that it takes over from. */
  readonly replaces: string | undefined;
  readonly name: string;
}

/** Longest host name, and so the longest useful Pod name. */
const MAXIMUM_NAME = 63;

/**
 * @param decision what tells this decision from all others: revision, what it replaces or where it goes, which attempt it is
 */
export function podName(service: Service, decision: readonly string[]): string {
  const { name, uid } = service.metadata;
  const suffix = safeHash([uid, ...decision].join('\n'), 5);
  // Cut in the middle of a name with dots, the rest must still be one.
  return `${name.slice(0, MAXIMUM_NAME - 6).replace(/[.-]+$/, '')}-${suffix}`;
}

/** As DaemonSets: an instance that belongs to its node waits for it instead of being evicted. */
const TIED_TO_NODE = [...AWAY_TAINTS].map((key) => ({
  key,
  operator: 'Exists',
  effect: 'NoExecute',
}));

export function buildPod({ service, template, revision, node, replaces, name }: PodOrder): object {
  const { metadata = {} } = template;
  // client-node's types are classes, what comes from the wire is plain data.
  const spec: object = template.spec;
  const affinity: object = template.spec.affinity ?? {};
  const nodeAffinity: object = template.spec.affinity?.nodeAffinity ?? {};
  return {
    metadata: {
      name,
      namespace: service.metadata.namespace,
      labels: {
        ...metadata.labels,
        [SERVICE_LABEL]: service.metadata.name,
        [REVISION_LABEL]: revision,
      },
      annotations: {
        ...metadata.annotations,
        ...(replaces === undefined ? {} : { [REPLACES_ANNOTATION]: replaces }),
      },
      ownerReferences: [controllerReference(SERVICES, service)],
    },
    spec: {
      ...spec,
      ...(service.spec.mode === 'Global'
        ? { tolerations: [...(template.spec.tolerations ?? []), ...TIED_TO_NODE] }
        : {}),
      // As the DaemonSet controller pins: the plan has judged the template's own node affinity already.
      affinity: {
        ...affinity,
        nodeAffinity: {
          ...nodeAffinity,
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] },
            ],
          },
        },
      },
    },
  };
}
