// A place that was to be filled.
import type { Cursor } from '../provider.ts';
import { unfinishedMark } from '../unfinished.ts';
import type { UnfinishedPlace } from '../unfinished.ts';

/** The target holds something; nothing of it was changed. */
export class NotEmptyError extends Error {
  constructor(location: string, revision: number) {
    super(
      `Cannot restore into ${location}: it holds a state already (revision ${revision}); name an empty place, or move that one away first`,
    );
    this.name = 'NotEmptyError';
  }
}

/** @throws NotEmptyError, but not for what a fill of before has left that did not come to its end */
export async function refuseFilled(place: UnfinishedPlace): Promise<Cursor> {
  const cursor = await place.provider.cursor(place.name);
  if (cursor.revision > 0 && (await unfinishedMark(place, cursor)) === undefined)
    throw new NotEmptyError(place.location, cursor.revision);
  return cursor;
}
