// Fields that nobody owns: what the server sets, and what says which object it is.
import { setOf } from './field-set.ts';
import type { FieldSet } from './field-set.ts';

const METADATA = [
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'clusterName',
  'generation',
  'managedFields',
  'resourceVersion',
];

/** In the form that sets are compared with: metadata itself is not a member, what is in it may be owned. */
export const untrackedBelow: FieldSet = setOf(
  ['f:apiVersion'],
  ['f:kind'],
  ...METADATA.map((name) => ['f:metadata', `f:${name}`]),
);

/** The same with metadata itself. */
export const untracked: FieldSet = setOf(
  ['f:apiVersion'],
  ['f:kind'],
  ['f:metadata'],
  ...METADATA.map((name) => ['f:metadata', `f:${name}`]),
);
