// A hook of a service that runs or ran: what the planner needs to know of its Pod. Pure.
import { parseTimestamp } from '../machinery/timestamps.ts';
import type { Pod } from './instance.ts';
import { ACTIVATED_ANNOTATION, HOOK_LABEL, REVISION_LABEL } from './types.ts';
import type { HookName } from './types.ts';

export interface HookFacts {
  readonly name: string;
  readonly uid: string;
  readonly hook: HookName;
  readonly revision: string;
  /** When its revision became the target; as in RevisionFacts. */
  readonly activatedAt: number | undefined;
  readonly node: string;
  readonly state: 'running' | 'succeeded' | 'failed';
  /** How it failed, or why it does not get on; '' when there is nothing to say. */
  readonly message: string;
  readonly terminating: boolean;
  readonly createdAt: number;
}

/** @returns `undefined` for a Pod that is no hook */
export function hookFacts({ metadata, spec, status }: Pod): HookFacts | undefined {
  const hook = metadata.labels?.[HOOK_LABEL];
  if (hook !== 'preDeploy' && hook !== 'postDeploy') return undefined;
  const { phase } = status ?? {};
  const [container] = status?.containerStatuses ?? [];
  const { terminated, waiting } = container?.state ?? {};
  const exit =
    terminated === undefined || terminated.exitCode === 0
      ? ''
      : `exit code ${terminated.exitCode}${terminated.message === undefined ? '' : `: ${terminated.message}`}`;
  const words =
    phase === 'Failed'
      ? [status?.reason, status?.message, exit]
      : [waiting?.reason, waiting?.message];
  return {
    name: metadata.name,
    uid: metadata.uid,
    hook,
    revision: metadata.labels?.[REVISION_LABEL] ?? '',
    activatedAt: parseTimestamp(metadata.annotations?.[ACTIVATED_ANNOTATION]),
    node: spec.nodeName ?? '',
    state: phase === 'Succeeded' ? 'succeeded' : phase === 'Failed' ? 'failed' : 'running',
    message: words.filter(Boolean).join(': '),
    terminating: metadata.deletionTimestamp !== undefined,
    createdAt: parseTimestamp(metadata.creationTimestamp) ?? 0,
  };
}
