// A file that makes a root a node.

export interface NodeFile {
  /** Below the root. */
  readonly path: string;
  readonly content: string;
  /** Permission bits; default 0o644. What only root may read is a secret. */
  readonly mode?: number;
  /** Who must be restarted to notice a change. */
  readonly unit?: string;
}
