// Pods as the console reads them: the instances of services. Pure.
import type { ApiObject, Condition } from './api-object.ts';
import { conditionOf } from './api-object.ts';
import type { Tone } from './service.ts';

interface ContainerStatus {
  readonly name: string;
  readonly restartCount?: number;
  readonly state?: Readonly<
    Record<
      string,
      { readonly reason?: string; readonly message?: string; readonly exitCode?: number }
    >
  >;
}

export interface Pod extends ApiObject {
  readonly spec?: {
    readonly nodeName?: string;
    readonly containers?: readonly { readonly name: string }[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

export const SERVICE_LABEL = 'windlass.dev/service';
export const REVISION_LABEL = 'windlass.dev/revision';
const HOOK_LABEL = 'windlass.dev/hook';

/** How it is, in a word or two, and why. */
export function podState({ metadata, status }: Pod): {
  readonly tone: Tone;
  readonly word: string;
  readonly detail: string;
} {
  const waiting = (status?.containerStatuses ?? [])
    .map(({ state }) => state?.['waiting'] ?? state?.['terminated'])
    .find((state) => state?.reason !== undefined);
  const detail = waiting?.message ?? '';
  if (metadata.deletionTimestamp !== undefined)
    return { tone: 'busy', word: 'Stopping', detail: '' };
  const phase = status?.phase ?? 'Pending';
  if (phase === 'Failed')
    return { tone: 'bad', word: status?.reason ?? waiting?.reason ?? 'Failed', detail };
  if (phase === 'Succeeded') return { tone: 'good', word: 'Done', detail: '' };
  if (conditionOf(status?.conditions, 'Ready')?.status === 'True')
    return { tone: 'good', word: 'Ready', detail: '' };
  if (waiting?.reason !== undefined) {
    const isTrouble = /Err|BackOff|Error|Invalid/.test(waiting.reason);
    return { tone: isTrouble ? 'bad' : 'busy', word: waiting.reason, detail };
  }
  if (phase === 'Running') return { tone: 'busy', word: 'Not ready', detail: '' };
  const scheduled = conditionOf(status?.conditions, 'PodScheduled');
  return { tone: 'busy', word: phase, detail: scheduled?.message ?? '' };
}

export function restartsOf({ status }: Pod): number {
  return (status?.containerStatuses ?? []).reduce(
    (sum, { restartCount = 0 }) => sum + restartCount,
    0,
  );
}

/** `preDeploy` where the Pod runs a hook, '' for an instance. */
export function hookOf({ metadata }: Pod): string {
  return metadata.labels?.[HOOK_LABEL] ?? '';
}
