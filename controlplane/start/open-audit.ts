// Opens the audit log, where there is to be one.
import { AuditFile } from '../http/audit/audit-file.ts';
import { Auditor } from '../http/audit/auditor.ts';

import type { ControlPlaneOptions } from './options.ts';

/** @throws Error naming the path when the file cannot be appended to */
export function openAudit(
  options: ControlPlaneOptions,
  cleanup: AsyncDisposableStack,
): Auditor | undefined {
  const { audit, clock, logger, metrics, sealKinds = [] } = options;
  if (audit === undefined) return undefined;
  const file = AuditFile.open({ ...audit, clock, logger, metrics });
  cleanup.defer(() => file.close());
  const write = (line: string): void => file.write(line);
  return new Auditor({ policy: audit.policy, write, sealedKinds: sealKinds, clock, metrics });
}
