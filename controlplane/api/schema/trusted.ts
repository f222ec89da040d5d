// Which parts of an object a write leaves as they are stored. They were decoded, pruned, filled in and checked when they came: most
// writes touch little, and looking at the rest again is most of what they would cost.

import type { KubernetesObject } from '../object.ts';
import { isJsonObject } from './json-value.ts';

/** Objects and lists, by identity. */
export type Trusted = ReadonlySet<unknown>;

/**
 * The parts that another state of a stored object may share with it: its spec, what the fields of that hold, and who owns its fields.
 */
export function trustedParts({ metadata, spec }: KubernetesObject): Trusted {
  const parts = new Set<unknown>([spec, metadata.managedFields]);
  if (isJsonObject(spec)) for (const part of Object.values(spec)) parts.add(part);
  for (const part of parts) if (typeof part !== 'object' || part === null) parts.delete(part);
  return parts;
}
