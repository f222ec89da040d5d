// The part of the node rules that needs the body: a POST has no name in its path, so what a node creates is looked at
// once it is decoded. Upstream does this in the NodeRestriction admission plugin.
import { forbidden } from '../api/errors.ts';
import type { ErrorSubject } from '../api/errors.ts';
import type { UserInfo } from '../api/user.ts';

import { nodeNameOf } from './node-authorizer.ts';

const OWN_NAME_ONLY = new Set(['nodes', 'leases']);

/** Throws ApiError Forbidden when a node creates a Node or Lease that is not named after it. */
export function restrictNodeCreate(user: UserInfo, subject: ErrorSubject, name: string): void {
  const node = nodeNameOf(user);
  if (node === undefined || name === node || !OWN_NAME_ONLY.has(subject.resource)) return;
  throw forbidden(subject, name, `node "${node}" may only create one named "${node}"`);
}
