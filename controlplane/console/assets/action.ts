// What one can do to a service: as a merge patch, with what it means in words. Pure; what the server makes of it, a dry run says.
import { conditionOf } from './api-object.ts';
import type { Node } from './machine.ts';
import { hashOfRevision, rollbackPatch } from './revision.ts';
import type { Revision } from './revision.ts';
import type { Service } from './service.ts';

export interface Change {
  readonly title: string;
  /** What will come of it. */
  readonly meaning: string;
  /** Undefined: it cannot be done, and `meaning` says why. */
  readonly patch: object | undefined;
}

const PROMOTE_ANNOTATION = 'windlass.dev/promote';
const ABORT_ANNOTATION = 'windlass.dev/abort';
const MOST_REPLICAS = 2_147_483_647;

/** @param text what somebody typed */
export function scaleChange({ metadata, spec }: Service, text: string): Change {
  const title = `Scale ${metadata.name}`;
  const replicas = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(replicas <= MOST_REPLICAS))
    return {
      title,
      meaning: 'The number of instances is a whole number from 0.',
      patch: undefined,
    };
  const before = spec.replicas ?? 1;
  const meaning =
    replicas === before
      ? `It has ${before} already.`
      : replicas > before
        ? `${replicas - before} more will run.`
        : `${before - replicas} of ${before} will be stopped.`;
  return { title, meaning, patch: replicas === before ? undefined : { spec: { replicas } } };
}

export function pauseChange({ metadata, spec }: Service): Change {
  return spec.paused === true
    ? {
        title: `Resume ${metadata.name}`,
        meaning: 'What was changed while it was paused will be rolled out.',
        patch: { spec: { paused: false } },
      }
    : {
        title: `Pause ${metadata.name}`,
        meaning: 'Updates are held back; what runs is kept and repaired.',
        patch: { spec: { paused: true } },
      };
}

/** Undefined: nothing waits for it. */
export function promoteChange({ metadata, status }: Service): Change | undefined {
  if (status?.awaitsPromotion !== true || status.updateRevision === undefined) return undefined;
  const step = (status.step ?? 0) + 1;
  return {
    title: `Promote ${metadata.name}`,
    meaning: `The rollout of revision ${status.updateRevision} goes on after step ${step}.`,
    patch: {
      metadata: { annotations: { [PROMOTE_ANNOTATION]: `${status.updateRevision}/${step}` } },
    },
  };
}

/** Undefined: nothing is under way, or there is nothing to go back to. */
export function abortChange({ metadata, status }: Service): Change | undefined {
  const { updateRevision, currentRevision, awaitsPromotion, conditions } = status ?? {};
  const isFailed = conditionOf(conditions, 'Progressing')?.status === 'False';
  const isUnderWay = awaitsPromotion === true || (updateRevision !== currentRevision && !isFailed);
  if (!isUnderWay || updateRevision === undefined || currentRevision === undefined)
    return undefined;
  return {
    title: `Abort the rollout of ${metadata.name}`,
    meaning: `Revision ${updateRevision} is given up, and all instances go back to ${currentRevision}.`,
    patch: { metadata: { annotations: { [ABORT_ANNOTATION]: updateRevision } } },
  };
}

export function rollbackChange(
  service: Service,
  revisions: readonly Revision[],
  target: Revision,
): Change {
  const { name } = service.metadata;
  const title = `Roll ${name} back to revision ${target.revision ?? '?'}`;
  const patch = rollbackPatch(service, revisions, target);
  if (patch === undefined)
    return {
      title,
      meaning: `Another revision says the same with other images behind its tags. Run: windlass rollback ${name} --to-revision ${target.revision ?? ''}`,
      patch,
    };
  return {
    title,
    meaning: `What revision ${target.revision ?? '?'} (${hashOfRevision(target)}) describes will be rolled out.`,
    patch: { spec: patch },
  };
}

export function cordonChange({ metadata: { name }, spec }: Node): Change {
  return spec?.unschedulable === true
    ? {
        title: `Uncordon ${name}`,
        meaning: 'It takes new instances again.',
        patch: { spec: { unschedulable: null } },
      }
    : {
        title: `Cordon ${name}`,
        meaning: `It takes no new instances; those on it stay.`,
        patch: { spec: { unschedulable: true } },
      };
}
