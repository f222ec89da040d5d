// `deploy.update_config` of Compose as the update strategy of a service.
import type { FailureAction, UpdateOrder, UpdateStrategy } from '#controllers/service/types.ts';
import type { Field } from './field.ts';
import { durationText } from './units.ts';

const KEYS = ['delay', 'failure_action', 'max_failure_ratio', 'monitor', 'order', 'parallelism'];
const ORDERS: Readonly<Record<string, UpdateOrder>> = {
  'start-first': 'StartFirst',
  'stop-first': 'StopFirst',
};
const ACTIONS: Readonly<Record<string, FailureAction>> = {
  continue: 'Continue',
  pause: 'Pause',
  rollback: 'Rollback',
};
const ALL_AT_ONCE = 2 ** 31 - 1;

function orderOf(field: Field | undefined): UpdateOrder | undefined {
  if (field === undefined) return undefined;
  const word = field.text().toLowerCase();
  const order = Object.hasOwn(ORDERS, word) ? ORDERS[word] : undefined;
  return (
    order ??
    field.fail(
      `unsupported deploy.update_config.order: '${field.text()}', use start-first or stop-first`,
    )
  );
}

export function updateStrategyOf(service: Field): UpdateStrategy | undefined {
  const deploy = service.get('deploy');
  deploy
    ?.get('rollback_config')
    ?.warn('ignored: a rollback goes as an update does, by update_config');
  const config = deploy?.get('update_config');
  if (config === undefined) return undefined;
  config.refuseUnknown(KEYS);
  const order = orderOf(config.get('order'));
  const action = config
    .get('failure_action')
    ?.choice(['continue', 'pause', 'rollback'], 'failure_action');
  const parallelism = config.get('parallelism')?.integer(0, ALL_AT_ONCE);
  const delay = config.get('delay')?.duration();
  const monitor = config.get('monitor')?.duration();
  const ratio = config.get('max_failure_ratio')?.decimal(0, 1);
  return {
    ...(order === undefined ? {} : { order }),
    ...(parallelism === undefined ? {} : { maxParallel: parallelism || ALL_AT_ONCE }),
    ...(delay === undefined ? {} : { delay: durationText(delay) }),
    ...(monitor === undefined ? {} : { monitorPeriod: durationText(monitor) }),
    ...(action === undefined ? {} : { failureAction: ACTIONS[action] ?? 'Pause' }),
    ...(ratio === undefined ? {} : { maxFailureRatio: ratio }),
  };
}
