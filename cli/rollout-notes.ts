// What `promote` and `abort` write on a service, and when they cannot mean anything. Pure.
import type { Service } from '#controllers/service/types.ts';
import { CommandError } from './usage-error.ts';

/** `HASH/STEP`: the pause after that step of the rollout of that revision is over. `HASH`: all that are left. */
const PROMOTE_ANNOTATION = 'windlass.dev/promote';
/** `HASH`: the rollout of that revision is given up. */
const ABORT_ANNOTATION = 'windlass.dev/abort';

export interface RolloutNote {
  readonly annotations: Readonly<Record<string, string>>;
  /** What to tell of the service. */
  readonly done: string;
}

/** A switch from blue to green has one step, the last. @throws CommandError when the rollout does not wait for it */
export function promotionNote(service: Service, isFull: boolean): RolloutNote {
  const { name } = service.metadata;
  const { updateRevision, awaitsPromotion = false, step = 0 } = observed(service);
  if (!awaitsPromotion || updateRevision === undefined)
    throw new CommandError(
      `service ${name} does not wait to be promoted`,
      `windlass status and kubectl describe wsvc ${name} say what it does.`,
    );
  return isFull || service.spec.updateStrategy?.type === 'BlueGreen'
    ? {
        annotations: { [PROMOTE_ANNOTATION]: updateRevision },
        done: 'is promoted: its rollout goes on to the end',
      }
    : {
        annotations: { [PROMOTE_ANNOTATION]: `${updateRevision}/${step + 1}` },
        done: `is promoted: its rollout goes on after step ${step + 1}`,
      };
}

/** @throws CommandError when nothing is under way */
export function abortNote(service: Service): RolloutNote {
  const { name } = service.metadata;
  const { updateRevision, currentRevision, awaitsPromotion, conditions = [] } = observed(service);
  const isFailed = conditions.some(
    ({ type, status }) => type === 'Progressing' && status === 'False',
  );
  const isUnderWay = awaitsPromotion === true || (updateRevision !== currentRevision && !isFailed);
  if (updateRevision === undefined || !isUnderWay)
    throw new CommandError(
      isFailed
        ? `the rollout of service ${name} has failed: there is nothing left to abort`
        : `no rollout of service ${name} is under way`,
      `windlass rollback ${name} brings an earlier revision back.`,
    );
  if (currentRevision === undefined)
    throw new CommandError(
      `service ${name} has no revision before this one to go back to`,
      `windlass scale ${name} 0 stops it, kubectl delete wsvc ${name} removes it.`,
    );
  return {
    annotations: { [ABORT_ANNOTATION]: updateRevision },
    done: `gives revision ${updateRevision} up and goes back to ${currentRevision}`,
  };
}

/** @throws CommandError while the controller has not seen the newest spec: its status is of another rollout */
function observed({ metadata, status }: Service): NonNullable<Service['status']> {
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 1))
    throw new CommandError(
      `the controllers have not seen the newest change of service ${metadata.name} yet`,
      'Try again in a moment.',
    );
  return status ?? {};
}
