// What must be done to a machine to make it what is wanted. Pure.
import type { Situation } from './member-driver.ts';
import { isSameVersion } from './versions.ts';

/** In words; empty when it is as it should be. */
export function needsOf(situation: Situation, version: string | undefined): readonly string[] {
  if (!situation.isInstalled) return ['everything'];
  const present = situation.runningVersion ?? situation.installedVersion;
  return [
    ...(situation.isRunning ? [] : ['stopped']),
    ...(version === undefined || isSameVersion(present, version)
      ? []
      : [`version ${present ?? 'unknown'} → ${version}`]),
    ...situation.differences,
  ];
}
