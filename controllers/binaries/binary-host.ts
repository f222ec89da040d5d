// A host as providers of binaries see it, and what they all do there.
import type { IdSource } from '#platform/id.ts';
import type { HostDriver } from '../hosts/host-driver.ts';
import type { PublishedDigest } from './artifact-fetcher.ts';
import { parseDigest } from './digest.ts';

export interface BinaryHost {
  readonly driver: HostDriver;
  /** As Go spells them. */
  readonly os: string;
  readonly architecture: string;
  /** Absolute path where the binary belongs. */
  readonly installPath: string;
  /** Asked at each call; undefined where it is not known. */
  installedVersion(): string | undefined;
  runningVersion(): string | undefined;
}

/** Beside the installed file, so that taking its place is one rename. */
export function temporaryPath({ installPath, os }: BinaryHost, ids: IdSource): string {
  return `${installPath}.tmp.${ids.hex(12)}${os === 'windows' ? '.exe' : ''}`;
}

/** The version that runs counts, else the installed one; a `v` in front says nothing. Undefined: it cannot be told by version. */
export function differsByVersion(
  target: string | undefined,
  host: BinaryHost,
): boolean | undefined {
  const known = host.runningVersion() ?? host.installedVersion();
  if (target === undefined || known === undefined) return undefined;
  return target.replace(/^v/, '') !== known.replace(/^v/, '');
}

/** Where versions say nothing, a digest that is known here may: an unchanged source is no reason to restart anything. */
export async function needsUpgrade(
  host: BinaryHost,
  target: string | undefined,
  digest: PublishedDigest,
  signal: AbortSignal,
): Promise<boolean> {
  const byVersion = differsByVersion(target, host);
  if (byVersion !== undefined) return byVersion;
  const wanted = 'sha256' in digest ? parseDigest(digest.sha256) : undefined;
  if (wanted === undefined) return true;
  return (await host.driver.digest(host.installPath, signal)) !== wanted;
}
