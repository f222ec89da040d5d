// Where an instance stands, without reading what it holds.
import type { Clock } from '#platform/clock.ts';
import type { Cursor } from '../provider.ts';
import { OfflineInstance } from './offline-instance.ts';

export interface SeenPlace extends Cursor {
  readonly location: string;
  readonly name: string;
  readonly provider: string;
}

/** @throws what keeps the place from being read */
export async function lookAtPlace(url: string, clock: Clock): Promise<SeenPlace> {
  await using opened = await OfflineInstance.openExisting(url, clock);
  const { provider, name, providerName } = opened.instance;
  const cursor = await provider.cursor(name);
  return { ...cursor, location: opened.location, name, provider: providerName };
}
