// core/v1 ResourceQuota: what is used of what, requests and limits apart.
import { objectAt, stringAt } from '../fields.ts';
import { column, namedTable } from '../table.ts';

export const quotaTable = namedTable([column('Request'), column('Limit')], (object) => {
  const used = objectAt(object, 'status', 'used');
  const hard = Object.entries(objectAt(object, 'status', 'hard')).toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  );
  const cell = (limits: boolean): string =>
    hard
      .filter(([name]) => name.startsWith('limits.') === limits)
      .map(([name, most]) => `${name}: ${stringAt(used, name) || '0'}/${String(most)}`)
      .join(', ');
  return [cell(false), cell(true)];
});
