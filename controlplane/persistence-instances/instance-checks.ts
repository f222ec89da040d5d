// The lines of /readyz about persistence: one for the ack policy, one for each instance. The primary makes the server unready while it
// refuses writes, whatever the reason; a replica that is down only where its absence keeps writes from being acknowledged.
import type { InstanceReport, PersistenceLog } from '#persistence/log.ts';

export interface InstanceCheck {
  readonly name: string;
  check(): string | undefined;
}

export function instanceChecks(
  log: Pick<PersistenceLog, 'instances' | 'blocked'>,
): readonly InstanceCheck[] {
  const reportOf = (instance: string): InstanceReport | undefined =>
    log.instances().find(({ name }) => name === instance);
  const instances = log.instances().map(({ name }) => ({
    name: `persistence-${name}`,
    check: () => failureOf(reportOf(name), log.blocked() !== undefined),
  }));
  return [{ name: 'persistence-acknowledgement', check: () => log.blocked() }, ...instances];
}

function failureOf(report: InstanceReport | undefined, isBlocked: boolean): string | undefined {
  if (report === undefined || report.up) return undefined;
  const { role, isSynchronous, state, lastError } = report;
  if (role === 'Replica' && !(isSynchronous && isBlocked)) return undefined;
  return `${state}${lastError === undefined ? '' : `: ${lastError.message}`}`;
}
