// What an instance is doing, in the words of a deployment. Pure.
import { describeInstance, isFailing } from '../apply/rollout.ts';
import type { PodView } from '../apply/rollout.ts';

/** Of a Pod that is no instance: it runs a command before or after a rollout. */
const HOOK_LABEL = 'windlass.dev/hook';

export type ProgressPod = PodView & {
  readonly spec?: {
    readonly containers?: readonly {
      readonly name: string;
      readonly readinessProbe?: object;
      readonly startupProbe?: object;
    }[];
  };
};

export interface InstanceProgress {
  readonly text: string;
  /** Milliseconds until it says something else although nothing happens. */
  readonly changesInMs?: number;
}

/**
 * @param monitorMs how long an instance without probes is watched before it counts
 * @param now milliseconds since the epoch
 */
export function instanceProgress(
  pod: ProgressPod,
  monitorMs: number,
  now: number,
): InstanceProgress {
  const { metadata, spec, status } = pod;
  if (metadata.deletionTimestamp !== undefined) return { text: 'Stopping' };
  const hook = metadata.labels?.[HOOK_LABEL];
  if (hook !== undefined) return { text: hookText(pod, hook) };
  if (isFailing(pod) || hasEnded(pod)) return { text: `Unhealthy (${describeInstance(pod)})` };
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status === 'True') {
    const isProbed = (spec?.containers ?? []).some(
      ({ readinessProbe, startupProbe }) => (readinessProbe ?? startupProbe) !== undefined,
    );
    const since = Date.parse((ready as { lastTransitionTime?: string }).lastTransitionTime ?? '');
    const rest = isProbed ? 0 : since + monitorMs - now;
    if (!(rest > 0)) return { text: 'Healthy' };
    return { text: `Monitoring (${Math.ceil(monitorMs / 1000)}s)`, changesInMs: rest };
  }
  if (status?.phase === 'Running')
    return { text: withRestarts(pod, `Health checking${complaint(ready?.message)}`) };
  const isScheduled = spec?.nodeName !== undefined && spec.nodeName !== '';
  if (!isScheduled) {
    const why = status?.conditions?.find(({ type }) => type === 'PodScheduled')?.message ?? '';
    return { text: why === '' ? 'Waiting for a node' : `Waiting for a node: ${oneLine(why)}` };
  }
  return { text: withRestarts(pod, isPulling(pod) ? 'Pulling' : 'Starting') };
}

function hookText(pod: ProgressPod, hook: string): string {
  const { phase } = pod.status ?? {};
  const name = hook === 'preDeploy' ? 'Pre-deploy hook' : 'Post-deploy hook';
  if (phase === 'Succeeded') return `${name}: Done`;
  if (phase === 'Failed' || isFailing(pod)) return `${name}: Failed (${describeInstance(pod)})`;
  return `${name}: ${phase === 'Running' ? 'Running' : 'Starting'}`;
}

function hasEnded({ status }: ProgressPod): boolean {
  return (
    status?.phase === 'Failed' ||
    status?.phase === 'Succeeded' ||
    (status?.containerStatuses ?? []).some(({ state }) => state?.terminated !== undefined)
  );
}

function isPulling({ status }: ProgressPod): boolean {
  return (status?.containerStatuses ?? []).some(({ state }) =>
    /^pulling/i.test(state?.waiting?.message ?? state?.waiting?.reason ?? ''),
  );
}

function complaint(message: string | undefined): string {
  return message === undefined || message === '' ? '' : `: ${oneLine(message)}`;
}

function withRestarts({ status }: ProgressPod, text: string): string {
  const restarts = Math.max(
    0,
    ...(status?.containerStatuses ?? []).map(({ restartCount = 0 }) => restartCount),
  );
  if (restarts === 0) return text;
  return `${text} (restarted ${restarts === 1 ? 'once' : `${restarts} times`})`;
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, '; ');
}
