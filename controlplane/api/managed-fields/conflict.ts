// 409: an apply names fields that others set to other values. Texts and causes as upstream writes them.
import { ApiError } from '../errors.ts';
import { identityOf } from './entry.ts';
import type { ManagedFieldsEntry } from './entry.ts';
import { isEmpty, isMember, SELF } from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import { compareElements, displayPath } from './path-element.ts';
import type { Contested } from './update.ts';

export function applyConflict(contested: readonly Contested[]): ApiError {
  const sorted = contested.toSorted((a, b) => (identityOf(a.entry) < identityOf(b.entry) ? -1 : 1));
  const conflicts = sorted.map(({ entry, fields }) => ({
    manager: displayManager(entry),
    paths: pathsOf(fields).map(displayPath),
  }));
  const causes = conflicts.flatMap(({ manager, paths }) =>
    paths.map((field) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${manager}`,
      field,
    })),
  );
  return new ApiError(409, 'Conflict', messageOf(conflicts, causes.length), {
    details: { causes },
  });
}

interface Conflicts {
  readonly manager: string;
  readonly paths: readonly string[];
}

function messageOf(conflicts: readonly Conflicts[], count: number): string {
  const [first] = conflicts;
  if (count === 1) {
    return `Apply failed with 1 conflict: conflict with ${first?.manager}: ${first?.paths[0]}`;
  }
  const texts = conflicts.map(({ manager, paths }) =>
    [`conflicts with ${manager}:`, ...paths.map((path) => `- ${path}`)].join('\n'),
  );
  return `Apply failed with ${count} conflicts: ${texts.join('\n')}`;
}

function displayManager(entry: ManagedFieldsEntry): string {
  const { manager = '', operation, apiVersion, subresource = '' } = entry;
  const name = JSON.stringify(manager);
  const where = subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`;
  return operation === 'Update' ? `${name}${where} using ${apiVersion}` : `${name}${where}`;
}

/** The members of a node before what lies below it, each in canonical order. */
export function pathsOf(fields: FieldSet, prefix: readonly string[] = []): string[][] {
  const elements = Object.keys(fields)
    .filter((element) => element !== SELF)
    .toSorted(compareElements);
  const members = elements.filter((element) => isMember(fields[element] as FieldSet));
  const parents = elements.filter((element) => !isEmpty(fields[element] as FieldSet));
  return [
    ...members.map((element) => [...prefix, element]),
    ...parents.flatMap((element) => pathsOf(fields[element] as FieldSet, [...prefix, element])),
  ];
}
