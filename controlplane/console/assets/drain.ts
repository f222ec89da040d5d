// What emptying a node from here does with each Pod of it: pure. Whatever would be lost, or would come back at once, stays; the command
// does those too, when it is told to.
import { drainVerdict } from '#platform/drain-verdict.ts';
import type { DrainablePod as DecidingFields, DrainRules } from '#platform/drain-verdict.ts';

import type { ApiObject } from './api-object.ts';

export interface DrainablePod extends ApiObject {
  readonly spec?: Omit<NonNullable<DecidingFields['spec']>, 'volumes'> & {
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

/** A button gives no consent to lose anything. */
const RULES: DrainRules = {
  force: false,
  deleteEmptyDirData: false,
  ignorePinned: true,
  keepFinished: true,
};

export function drainPlan(node: string, pods: readonly DrainablePod[]): readonly DrainStep[] {
  return pods.map((pod) => ({ pod, ...stepOf(node, pod) }));
}

function stepOf(node: string, pod: DrainablePod): Omit<DrainStep, 'pod'> {
  const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller === true);
  const maker = `${owner?.kind ?? ''} ${owner?.name ?? ''}`;
  const command = `windlass node drain ${node}`;
  switch (drainVerdict(pod, node, RULES).reason) {
    case 'Mirror':
      return { does: 'stays', note: 'the node itself runs it' };
    case 'Stopping':
      return { does: 'goes', note: 'is stopping already' };
    case 'Finished':
      return { does: 'stays', note: 'has ended, nothing of it runs' };
    case 'Pinned':
      return { does: 'stays', note: `${maker} keeps one on each node` };
    case 'LocalData':
      return {
        does: 'stays',
        note: `its emptyDir data would be lost: ${command} --delete-emptydir-data`,
      };
    case 'Unmanaged':
      return { does: 'stays', note: `nothing makes it again: ${command} --force` };
    case 'Managed':
  }
  const claim = pod.spec?.volumes?.find(
    ({ persistentVolumeClaim }) => persistentVolumeClaim !== undefined,
  )?.persistentVolumeClaim?.claimName;
  return claim === undefined
    ? { does: 'goes', note: `${maker} makes it again` }
    : {
        does: 'stays',
        note: `the data of its volume ${claim} may be here alone: ${command} says, and evicts it`,
      };
}
