// Services as the console reads them (docs/services.md), and what a row says of one. Pure.
import type { ApiObject, Condition } from './api-object.ts';
import { conditionOf } from './api-object.ts';

export interface PlannedOperation {
  readonly op: string;
  readonly node?: string;
  readonly pod?: string;
  readonly volume?: string;
  readonly order?: string;
  readonly state: string;
  readonly reasons?: readonly string[];
}

export interface Container {
  readonly name: string;
  readonly image?: string;
}

export interface Service extends ApiObject {
  readonly spec: {
    readonly mode?: string;
    readonly replicas?: number;
    readonly paused?: boolean;
    readonly template?: { readonly spec?: { readonly containers?: readonly Container[] } };
    readonly updateStrategy?: { readonly type?: string };
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly desiredReplicas?: number;
    readonly readyReplicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
    readonly currentRevision?: string;
    readonly updateRevision?: string;
    readonly revision?: number;
    readonly step?: number;
    readonly awaitsPromotion?: boolean;
    readonly conditions?: readonly Condition[];
    readonly plan?: {
      readonly operations?: readonly PlannedOperation[];
      readonly summary?: string;
    };
  };
}

/** How good something is, for its mark: words first, colour second. */
export type Tone = 'good' | 'busy' | 'bad' | 'idle';

export interface Health {
  readonly tone: Tone;
  /** One word or two. */
  readonly word: string;
  /** The reason in the server's words, perhaps ''. */
  readonly detail: string;
}

export function healthOf({ metadata, spec, status }: Service): Health {
  const conditions = status?.conditions;
  const ready = conditionOf(conditions, 'Ready');
  const progressing = conditionOf(conditions, 'Progressing');
  const degraded = conditionOf(conditions, 'Degraded');
  const detail = (condition: Condition | undefined): string => condition?.message ?? '';
  if (metadata.deletionTimestamp !== undefined)
    return { tone: 'busy', word: 'Being deleted', detail: '' };
  if (status === undefined || (status.observedGeneration ?? 0) < (metadata.generation ?? 0))
    return { tone: 'busy', word: 'Not looked at yet', detail: '' };
  if (degraded?.status === 'True')
    return { tone: 'bad', word: 'Degraded', detail: detail(degraded) };
  if (status.awaitsPromotion === true)
    return { tone: 'busy', word: 'Waits for promotion', detail: detail(progressing) };
  if (progressing?.status === 'False')
    return { tone: 'bad', word: 'Stopped', detail: detail(progressing) };
  if (spec.paused === true && ready?.status !== 'True')
    return { tone: 'idle', word: 'Paused', detail: detail(progressing) };
  if (ready?.status === 'True')
    return { tone: 'good', word: spec.paused === true ? 'Ready, paused' : 'Ready', detail: '' };
  return { tone: 'busy', word: 'Rolling out', detail: detail(progressing) };
}

/** `2/3` */
export function instancesOf({ spec, status }: Service): string {
  const wanted = status?.desiredReplicas ?? spec.replicas;
  return `${status?.readyReplicas ?? 0}/${wanted ?? '?'}`;
}

/** `nginx:1.27, sidecar:2` */
export function imagesOf({ spec }: Service): string {
  const containers = spec.template?.spec?.containers ?? [];
  return containers.map(({ image }) => image ?? '').join(', ');
}

/** How many of the plan's operations are done, and of how many. */
export function progressOf({ status }: Service): { readonly done: number; readonly all: number } {
  const operations = status?.plan?.operations ?? [];
  const done = operations.filter(({ state }) => state === 'Done').length;
  return { done, all: operations.length };
}

const OPERATION_WORDS: Readonly<Record<string, string>> = {
  createVolume: 'create volume',
  stopPreDeploy: 'stop what runs before the rollout',
  runPreDeploy: 'run what comes before the rollout',
  run: 'run',
  update: 'update',
  replace: 'replace',
  stop: 'stop',
  remove: 'remove',
  switch: 'switch traffic',
  promote: 'wait for promotion',
  runPostDeploy: 'run what comes after the rollout',
};

/** `replace web-x7k2q on m1, the new one first` */
export function operationText({ op, pod, volume, node, order }: PlannedOperation): string {
  const word = Object.hasOwn(OPERATION_WORDS, op) ? OPERATION_WORDS[op] : op;
  const what = pod ?? volume;
  const first =
    order === 'start-first'
      ? ', the new one first'
      : order === 'stop-first'
        ? ', the old one first'
        : '';
  return `${word}${what === undefined ? '' : ` ${what}`}${node === undefined ? '' : ` on ${node}`}${first}`;
}

const STATE_WORDS: Readonly<Record<string, { readonly word: string; readonly tone: Tone }>> = {
  Pending: { word: 'to come', tone: 'idle' },
  InProgress: { word: 'under way', tone: 'busy' },
  Waiting: { word: 'waits', tone: 'busy' },
  Done: { word: 'done', tone: 'good' },
  Failed: { word: 'failed', tone: 'bad' },
};

export function stateWord(state: string): { readonly word: string; readonly tone: Tone } {
  return (
    (Object.hasOwn(STATE_WORDS, state) ? STATE_WORDS[state] : undefined) ?? {
      word: state,
      tone: 'idle',
    }
  );
}
