// CronJob: a schedule that can be read, a time zone that exists, and the Job it makes.
import type { FieldError } from '#controlplane/api/errors.ts';
import { invalidField } from '#controlplane/api/field-errors.ts';
import { fieldAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { cronProblem } from '#controlplane/api/cron.ts';
import type { Strategy } from '../strategy.ts';
import { validateJobSpec } from './job.ts';
import { applyTemplateDefaults } from './pod-defaults.ts';
import { validateTemplate } from './pod-template.ts';

/** The Jobs are named `<name>-<minutes since the epoch>`, which takes eleven of their 63 characters. */
const NAME_MAXIMUM = 52;

function timeZoneProblem(zone: unknown): string | undefined {
  // Absent, or of a type that the schema refuses.
  if (typeof zone !== 'string') return undefined;
  if (zone === '') return 'timeZone must be nil or non-empty string';
  if (zone.toLowerCase() === 'local') {
    return 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones';
  }
  try {
    Intl.DateTimeFormat('en', { timeZone: zone });
    return undefined;
  } catch {
    return `unknown time zone ${zone}`;
  }
}

function validateSpec(object: KubernetesObject): FieldError[] {
  const errors: FieldError[] = [];
  const schedule = stringAt(object, 'spec', 'schedule');
  const wrong = cronProblem(schedule);
  if (schedule.includes('TZ')) {
    const why = 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead';
    errors.push(invalidField('spec.schedule', schedule, why));
  } else if (wrong !== undefined) errors.push(invalidField('spec.schedule', schedule, wrong));
  const zone = fieldAt(object, 'spec', 'timeZone');
  const wrongZone = timeZoneProblem(zone);
  if (wrongZone !== undefined) errors.push(invalidField('spec.timeZone', zone, wrongZone));
  return errors;
}

export const cronJobStrategy: Strategy = {
  hasGeneration: true,
  applyDefaults: (object) =>
    applyTemplateDefaults(fieldAt(object, 'spec', 'jobTemplate', 'spec', 'template')),
  validate(object) {
    const at = 'spec.jobTemplate.spec';
    const spec = objectAt(object, 'spec', 'jobTemplate', 'spec');
    const errors = validateSpec(object);
    errors.push(...validateJobSpec(spec, at));
    errors.push(...validateTemplate(spec['template'], { at: `${at}.template` }));
    return errors;
  },
  // Longer ones of an older server may still be changed.
  validateCreate({ metadata: { name = '' } }) {
    const why = `must be no more than ${NAME_MAXIMUM} characters`;
    return name.length > NAME_MAXIMUM ? [invalidField('metadata.name', name, why)] : [];
  },
};
