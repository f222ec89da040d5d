// Cells that the tables of all controllers of Pods share: what their templates run and which Pods they select.
import { listAt, objectAt, stringAt } from '../fields.ts';
import { formatLabelSelector, labelSelectorOf } from '../selectors.ts';
import { orNone, wideColumn } from '../table.ts';

export const containerColumns = [wideColumn('Containers'), wideColumn('Images')] as const;

/** Names and images of the containers of a PodTemplateSpec. */
export function containerCells(template: unknown): readonly [string, string] {
  const containers = listAt(template, 'spec', 'containers');
  return [
    containers.map((container) => stringAt(container, 'name')).join(','),
    containers.map((container) => stringAt(container, 'image')).join(','),
  ];
}

/** A LabelSelector as `kubectl get -o wide` shows it. */
export function selectorCell(selector: unknown): string {
  try {
    return orNone(formatLabelSelector(labelSelectorOf(objectAt(selector))));
  } catch {
    // Written before it was checked: a list must not fail because of one object.
    return '<invalid>';
  }
}

/** `a=b,c=d` of a plain map, sorted. */
export function labelsCell(labels: unknown): string {
  return orNone(
    Object.entries(objectAt(labels))
      .map(([key, value]) => `${key}=${String(value)}`)
      .toSorted()
      .join(','),
  );
}
