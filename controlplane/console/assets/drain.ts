// What emptying a node from here does with each Pod of it: pure. Whatever would be lost, or would come back at once, stays; the command
// does those too, when it is told to.
import type { ApiObject } from './api-object.ts';

export interface DrainablePod extends ApiObject {
  readonly spec?: {
    readonly volumes?: readonly {
      readonly emptyDir?: unknown;
      readonly persistentVolumeClaim?: { readonly claimName?: string };
    }[];
  };
  readonly status?: { readonly phase?: string };
}

export interface DrainStep {
  readonly pod: DrainablePod;
  readonly does: 'goes' | 'stays';
  /** What becomes of it, or why it stays. */
  readonly note: string;
}

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

export function drainPlan(node: string, pods: readonly DrainablePod[]): readonly DrainStep[] {
  return pods.map((pod) => ({ pod, ...stepOf(node, pod) }));
}

function stepOf(node: string, pod: DrainablePod): Omit<DrainStep, 'pod'> {
  const { metadata, spec, status } = pod;
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  const maker = `${owner?.kind ?? ''} ${owner?.name ?? ''}`;
  const command = `windlass node drain ${node}`;
  if (metadata.annotations?.[MIRROR_ANNOTATION] !== undefined)
    return { does: 'stays', note: 'the node itself runs it' };
  if (metadata.deletionTimestamp !== undefined)
    return { does: 'goes', note: 'is stopping already' };
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed')
    return { does: 'stays', note: 'has ended, nothing of it runs' };
  if (owner?.kind === 'DaemonSet')
    return { does: 'stays', note: `${maker} keeps one on each node` };
  if (spec?.volumes?.some(({ emptyDir }) => emptyDir !== undefined) === true)
    return {
      does: 'stays',
      note: `its emptyDir data would be lost: ${command} --delete-emptydir-data`,
    };
  if (owner === undefined)
    return { does: 'stays', note: `nothing makes it again: ${command} --force` };
  const claim = spec?.volumes?.find(
    ({ persistentVolumeClaim }) => persistentVolumeClaim !== undefined,
  )?.persistentVolumeClaim?.claimName;
  if (claim !== undefined)
    return {
      does: 'stays',
      note: `the data of its volume ${claim} may be here alone: ${command} says, and evicts it`,
    };
  return { does: 'goes', note: `${maker} makes it again` };
}
