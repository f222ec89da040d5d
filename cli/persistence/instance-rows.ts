// The instances of a running server as lines of a table.
import { formatTable } from '../output.ts';
import type { InstanceObject } from './log-source.ts';

export function instanceTable(instances: readonly InstanceObject[]): string {
  const rows = instances.map(({ metadata, spec, status }) => [
    metadata.name,
    spec.role,
    spec.synchronous ? 'yes' : 'no',
    status.state,
    latencyText(status.meanPersistLatency),
    lagText(status),
    String(status.revision),
    spec.location,
  ]);
  return formatTable(
    ['INSTANCE', 'ROLE', 'SYNC', 'STATE', 'LATENCY', 'LAG', 'REVISION', 'LOCATION'],
    rows,
  );
}

/** One line for each instance that is in trouble. */
export function troubleLines(instances: readonly InstanceObject[]): string {
  return instances
    .filter(({ status }) => status.state !== 'Up')
    .map(({ metadata, status }) => {
      const why = status.lastError === undefined ? '' : `: ${status.lastError.message}`;
      return `${metadata.name} is ${status.state}${why}\n`;
    })
    .join('');
}

function latencyText(seconds: number): string {
  return seconds < 1 ? `${(seconds * 1000).toFixed(1)}ms` : `${seconds.toFixed(1)}s`;
}

function lagText({ lagRevisions, lagSeconds }: InstanceObject['status']): string {
  return lagRevisions === 0 ? '0' : `${lagRevisions} (${lagSeconds.toFixed(1)}s)`;
}
