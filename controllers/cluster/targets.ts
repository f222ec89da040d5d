// What each machine is to become, as hashes. Pure.
import type { ClusterSettings } from './settings.ts';
import type { Cluster } from './types.ts';
import { compareVersions } from './versions.ts';
import { targetHash } from './wanted-machines.ts';
import type { WantedMachine } from './wanted-machines.ts';

interface Versioned {
  readonly name: string;
  readonly version: string | undefined;
}

/** Without a version in the spec each machine keeps its own, and new ones get the newest there is. */
export function targetsOf(
  { spec }: Cluster,
  settings: ClusterSettings,
  wanted: readonly WantedMachine[],
  own: readonly Versioned[],
): ReadonlyMap<string, string> {
  const versions = new Map(own.map(({ name, version }) => [name, version]));
  const newest = newestVersion(own);
  return new Map(
    wanted.map((machine) => {
      const version = settings.version ?? versions.get(machine.name) ?? newest;
      return [machine.name, targetHash(machine, version, spec.distributionOptions)];
    }),
  );
}

export function newestVersion(machines: readonly Versioned[]): string | undefined {
  return machines
    .flatMap(({ version }) => (version === undefined ? [] : [version]))
    .toSorted(compareVersions)
    .at(-1);
}
