// The Pod for one instance. Its name follows from the decision, so that executing one decision twice (a crash, a cache that lags)
// makes one Pod and one AlreadyExists, never two Pods. Pure.
import type { V1Volume } from '@kubernetes/client-node';
import { AWAY_TAINTS } from '../machinery/node-fit.ts';
import { controllerReference } from '../machinery/owner-references.ts';
import { SERVICES } from '../machinery/resources.ts';
import { claimOn } from './claims.ts';
import type { ClaimFacts } from './claims.ts';
import type { RevisionFacts } from './plan-types.ts';
import { mountedVolumes } from './revision-data.ts';
import { safeHash } from '../machinery/safe-hash.ts';
import {
  DECLINED_ANNOTATION,
  REPLACES_ANNOTATION,
  REVISION_LABEL,
  SERVICE_LABEL,
} from './types.ts';
import type { PodTemplate, Service } from './types.ts';

export interface PodOrder {
  readonly service: Service;
  readonly revision: RevisionFacts;
  readonly claims: readonly ClaimFacts[];
  readonly node: string;
  /** uid of the instance that it takes over from. */
  readonly replaces: string | undefined;
  /** Hash of the revision that failed in its place. */
  readonly declined: string | undefined;
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

export function buildPod(order: PodOrder): object {
  const { service, revision, node, replaces, declined } = order;
  const { template } = revision;
  return {
    metadata: podMetadata(order, {
      annotations: {
        ...(replaces === undefined ? {} : { [REPLACES_ANNOTATION]: replaces }),
        ...(declined === undefined ? {} : { [DECLINED_ANNOTATION]: declined }),
      },
    }),
    spec: {
      ...podSpec(order),
      ...(service.spec.mode === 'Global'
        ? { tolerations: [...(template.spec.tolerations ?? []), ...TIED_TO_NODE] }
        : {}),
      affinity: pinnedTo(node, template),
    },
  };
}

/** What every Pod of a service is known by, an instance or a hook, and what more this one is. */
export function podMetadata(
  { service, revision, name }: Pick<PodOrder, 'service' | 'revision' | 'name'>,
  more: { readonly labels?: object; readonly annotations?: object },
): object {
  const { metadata = {} } = revision.template;
  return {
    name,
    namespace: service.metadata.namespace,
    labels: {
      ...metadata.labels,
      [SERVICE_LABEL]: service.metadata.name,
      [REVISION_LABEL]: revision.hash,
      ...more.labels,
    },
    annotations: { ...metadata.annotations, ...more.annotations },
    ownerReferences: [controllerReference(SERVICES, service)],
  };
}

/** The template's spec, with the claims that its named volumes have on that node. client-node's types are classes, this is plain data. */
export function podSpec({
  service,
  revision,
  claims,
  node,
}: Pick<PodOrder, 'service' | 'revision' | 'claims' | 'node'>): object {
  const { spec } = revision.template;
  const own = new Set(mountedVolumes(revision.data).map(({ name }) => name));
  if (own.size === 0) return spec;
  const mode = service.spec.mode ?? 'Replicated';
  const volumes = (spec.volumes ?? []).map(({ name, ...source }): V1Volume => {
    const claimName = source.persistentVolumeClaim?.claimName;
    if (claimName === undefined || !own.has(name)) return { name, ...source };
    return {
      name,
      persistentVolumeClaim: { claimName: claimOn(claims, claimName, mode, node) },
    };
  });
  const plain: object = spec;
  return { ...plain, volumes };
}

/** As the DaemonSet controller pins: the plan has judged the template's own node affinity already. */
export function pinnedTo(node: string, template: PodTemplate): object {
  const affinity: object = template.spec.affinity ?? {};
  const nodeAffinity: object = template.spec.affinity?.nodeAffinity ?? {};
  return {
    ...affinity,
    nodeAffinity: {
      ...nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          { matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] },
        ],
      },
    },
  };
}
