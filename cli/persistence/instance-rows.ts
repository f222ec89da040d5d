// The instances of a running server as lines of a table.
import { terminalLine } from '#platform/terminal-text.ts';
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

/** One line for each instance that is in trouble, or the primary though another one is configured. */
export function troubleLines(instances: readonly InstanceObject[]): string {
  const promoted = instances
    .filter(({ status }) => status.insteadOf !== undefined)
    .map(
      ({ metadata, status }) =>
        `${metadata.name} was promoted: --persistence names ${status.insteadOf ?? ''} first\n`,
    );
  const trouble = instances
    .filter(({ status }) => status.state !== 'Up')
    .map(({ metadata, status }) => {
      const why = status.lastError === undefined ? '' : `: ${status.lastError.message}`;
      return `${terminalLine(`${metadata.name} is ${status.state}${why}`)}\n`;
    });
  return [...promoted, ...trouble].join('');
}

function latencyText(seconds: number): string {
  return seconds < 1 ? `${(seconds * 1000).toFixed(1)}ms` : `${seconds.toFixed(1)}s`;
}

function lagText({ lagRevisions, lagSeconds }: InstanceObject['status']): string {
  return lagRevisions === 0 ? '0' : `${lagRevisions} (${lagSeconds.toFixed(1)}s)`;
}
