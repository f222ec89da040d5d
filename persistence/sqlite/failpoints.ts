// Named points of what is done to a database file, where tests kill the process. Between two of them SQLite alone is at work, whose own
// steps are left to kills at random moments and to power cuts.

export const FAILPOINTS = [
  // A file that is made, or found.
  'file-made',
  'tables-made',
  'before-opened',
  'after-opened',
  // A transaction: changes, a claim, or a slice of compaction.
  'before-commit',
  'after-commit',
  'before-checkpoint',
  'after-checkpoint',
  'before-clean',
  'after-clean',
  // Another log in the place of this one.
  'before-replacement-sync',
  'after-replacement-sync',
  'before-replacement-rename',
  'after-replacement-rename',
  // This log put aside, and an empty one in its place.
  'empty-made',
  'before-aside-rename',
  'after-aside-rename',
  'before-empty-rename',
  'after-empty-rename',
] as const;

export type AtFailpoint = (point: (typeof FAILPOINTS)[number]) => void;

export const nothing: AtFailpoint = () => undefined;
