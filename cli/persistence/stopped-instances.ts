// The instances of a stopped server: where each stands.
import { lookAtPlace } from '#persistence/backup/look-at-place.ts';
import { systemClock } from '#platform/clock.ts';
import { terminalText } from '#platform/terminal-text.ts';
import { formatTable } from '../output.ts';
import { storageProblem } from './told-storage.ts';

export interface StoppedInstance {
  readonly location: string;
  readonly exists: boolean;
  readonly name?: string;
  readonly epoch?: number;
  readonly revision?: number;
  readonly error?: string;
}

export function stoppedInstances(urls: readonly string[]): Promise<readonly StoppedInstance[]> {
  return Promise.all(urls.map(look));
}

async function look(url: string): Promise<StoppedInstance> {
  try {
    const { location, name, epoch, revision } = await lookAtPlace(url, systemClock);
    return { location, exists: true, name, epoch, revision };
  } catch (error) {
    const problem = storageProblem(error);
    if (problem === undefined) throw error;
    const [location = url] = url.split('?');
    return { location, exists: false, error: problem };
  }
}

export function stoppedTable(instances: readonly StoppedInstance[]): string {
  const rows = instances.map(({ name, exists, epoch, revision, location }) => [
    name ?? '-',
    exists ? 'stopped' : 'unusable',
    String(epoch ?? '-'),
    String(revision ?? '-'),
    location,
  ]);
  const errors = instances.flatMap(({ error }) =>
    error === undefined ? [] : [`${terminalText(error)}\n`],
  );
  return `${formatTable(['INSTANCE', 'STATE', 'EPOCH', 'REVISION', 'LOCATION'], rows)}${errors.join('')}`;
}
