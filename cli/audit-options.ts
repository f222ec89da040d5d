// Flags of `up` about the audit log. Spelled as those of kube-apiserver.
import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { AuditOptions } from '#controlplane/start.ts';
import { readAuditPolicy } from './audit-policy.ts';
import type { OptionTable, OptionValues } from './options.ts';
import { UsageError } from './usage-error.ts';

const MEGABYTE = 1024 * 1024;

export const auditOptions = {
  'audit-policy-file': {
    type: 'string',
    placeholder: 'FILE',
    help: 'Which requests are written down, as a Policy of audit.k8s.io/v1',
  },
  'audit-log-path': {
    type: 'string',
    placeholder: 'FILE',
    help: 'Where they are written down, a line of JSON for each',
  },
  'audit-log-maxsize': {
    type: 'integer',
    placeholder: 'MB',
    minimum: 1,
    maximum: 100_000,
    default: 100,
    help: 'A file that is as large is renamed, and another begun',
  },
  'audit-log-maxbackup': {
    type: 'integer',
    placeholder: 'N',
    minimum: 0,
    maximum: 100_000,
    default: 10,
    help: 'How many renamed ones are kept; 0 for all',
  },
} as const satisfies OptionTable;

/** @throws UsageError for values that no run could use */
export function auditOf(values: OptionValues<typeof auditOptions>): AuditOptions | undefined {
  const { 'audit-policy-file': policy, 'audit-log-path': path } = values;
  if (policy === undefined && path === undefined) return undefined;
  if (policy === undefined)
    throw new UsageError('--audit-log-path needs --audit-policy-file, which says what to write');
  if (path === undefined)
    throw new UsageError('--audit-policy-file needs --audit-log-path, which says where to write');
  const file = resolve(path);
  if (isFolder(file) || !isFolder(dirname(file)))
    throw new UsageError(
      `--audit-log-path must be a file in a folder that is there, found ${path}`,
    );
  return {
    policy: readAuditPolicy(policy),
    path: file,
    maxBytes: values['audit-log-maxsize'] * MEGABYTE,
    maxBackups: values['audit-log-maxbackup'],
  };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
