// The mark of a place that is being filled, by a command or as a replica: it is there before anything else, and goes with the moment at which
// the filled log takes the place of it. So what a killed process leaves is never taken for an empty place that a control plane may begin in.
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

/** What fills a place. */
interface Mark {
  /** As in `windlass restore of /mnt/a.backup`; without secrets. */
  readonly what: string;
  /** Of a copy that a server makes for a replica, and makes anew by itself: whose state it is. */
  readonly cluster?: string;
}

/** @param what as Mark.what; @param cluster as Mark.cluster */
export async function markUnfinished(
  place: UnfinishedPlace,
  epoch: number,
  what: string,
  cluster?: string,
): Promise<void> {
  const { provider, name } = place;
  if ((await provider.cursor(name)).revision > 0) return;
  const value = Buffer.from(JSON.stringify({ what, cluster }));
  const record = { revision: REVISION, kind: KIND, key: 'mark', value };
  await provider.append(name, encodeBatch({ epoch, records: [record] }));
}

/** @throws ForeignDataError for a place that was not filled to the end */
export async function refuseUnfinished(place: UnfinishedPlace, cursor: Cursor): Promise<void> {
  const mark = await unfinishedMark(place, cursor);
  if (mark === undefined) return;
  throw new ForeignDataError(
    `Cannot use ${place.location}: it was to be filled by ${mark.what}, which has not come to its end; run that again, or empty the place`,
  );
}

/** Of a replica's place whose copy has not come to its end. */
export async function unfinishedCopy(
  place: UnfinishedPlace,
  cursor: Cursor,
): Promise<Required<Mark> | undefined> {
  const { what, cluster } = (await unfinishedMark(place, cursor)) ?? {};
  return what === undefined || cluster === undefined ? undefined : { what, cluster };
}

/** By what it was to be filled; undefined for what is empty, or a log. */
export async function unfinishedMark(
  { provider, name }: UnfinishedPlace,
  { revision }: Cursor,
): Promise<Mark | undefined> {
  if (revision !== REVISION) return undefined;
  const [mark] = await provider.getAllObjects(name, KIND);
  if (mark === undefined) return undefined;
  try {
    const { what, cluster } = JSON.parse(Buffer.from(mark.value).toString()) as {
      readonly [name in keyof Mark]?: unknown;
    };
    if (typeof what === 'string') return typeof cluster === 'string' ? { what, cluster } : { what };
  } catch {
    // Said below.
  }
  return { what: 'a windlass command' };
}
