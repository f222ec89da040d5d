// The mark of a place that a command fills: it is there before anything else, and goes with the moment at which the filled log takes the
// place of it. So what a killed command leaves is never taken for an empty place that a control plane may begin in.
import { encodeBatch } from './encoding.ts';
import { ForeignDataError } from './errors.ts';
import { INTERNAL_KINDS } from './log.ts';
import type { Cursor, LogPersistenceProvider } from './provider.ts';

const KIND = `${INTERNAL_KINDS}unfinished`;
/** The first and only revision of such a log. */
const REVISION = 1;

export interface UnfinishedPlace {
  readonly provider: LogPersistenceProvider;
  readonly name: string;
  /** Without secrets. */
  readonly location: string;
}

/** @param what that fills it, as in `windlass restore of /mnt/a.backup`; without secrets */
export async function markUnfinished(
  place: UnfinishedPlace,
  epoch: number,
  what: string,
): Promise<void> {
  const { provider, name } = place;
  if ((await provider.cursor(name)).revision > 0) return;
  const value = Buffer.from(JSON.stringify({ what }));
  const record = { revision: REVISION, kind: KIND, key: 'mark', value };
  await provider.append(name, encodeBatch({ epoch, records: [record] }));
}

/** @throws ForeignDataError for a place that was not filled to the end */
export async function refuseUnfinished(place: UnfinishedPlace, cursor: Cursor): Promise<void> {
  const what = await unfinishedMark(place, cursor);
  if (what === undefined) return;
  throw new ForeignDataError(
    `Cannot use ${place.location}: it was to be filled by ${what}, which has not come to its end; run that again, or empty the place`,
  );
}

/** By what it was to be filled; undefined for what is empty, or a log. */
export async function unfinishedMark(
  { provider, name }: UnfinishedPlace,
  { revision }: Cursor,
): Promise<string | undefined> {
  if (revision !== REVISION) return undefined;
  const [mark] = await provider.getAllObjects(name, KIND);
  if (mark === undefined) return undefined;
  try {
    const { what } = JSON.parse(Buffer.from(mark.value).toString()) as { readonly what?: unknown };
    if (typeof what === 'string') return what;
  } catch {
    // Said below.
  }
  return 'a windlass command';
}
