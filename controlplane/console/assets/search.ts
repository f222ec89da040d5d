// Finds objects by what is in their names, page after page of each kind, and only their metadata: no list is ever held as a whole.
import type { ApiFailure } from './api-failure.ts';
import { ApiFailure as Failure } from './api-failure.ts';
import type { ApiObject, ObjectList } from './api-object.ts';

export interface Found {
  /** In the order of the server's lists. */
  readonly items: readonly ApiObject[];
  /** How many names were looked at. */
  readonly looked: number;
  /** Looking: there may be more. All: there are no others. Enough: there are, or may be, more than are worth showing. */
  readonly state: 'Looking' | 'All' | 'Enough' | 'Failed';
  readonly failure: ApiFailure | undefined;
}

export const NOTHING_YET: Found = { items: [], looked: 0, state: 'Looking', failure: undefined };

/** Whoever gets more than this has to say more. */
const MOST_FOUND = 50;

/**
 * Tells of what it has found after each page, and ends. Never throws.
 *
 * @param page lists a page of metadata
 */
export async function findByName(
  text: string,
  page: (token: string | undefined, signal: AbortSignal) => Promise<ObjectList<ApiObject>>,
  tell: (found: Found) => void,
  signal: AbortSignal,
): Promise<void> {
  const wanted = text.trim().toLowerCase();
  let found: Found = { ...NOTHING_YET };
  let token: string | undefined;
  try {
    do {
      const { metadata, items } = await page(token, signal);
      if (signal.aborted) return;
      token = metadata.continue === '' ? undefined : metadata.continue;
      const all = [...found.items, ...items.filter((item) => fullName(item).includes(wanted))];
      const isEnough =
        all.length > MOST_FOUND || (all.length === MOST_FOUND && token !== undefined);
      found = {
        items: all.slice(0, MOST_FOUND),
        looked: found.looked + items.length,
        state: isEnough ? 'Enough' : token === undefined ? 'All' : 'Looking',
        failure: undefined,
      };
      tell(found);
    } while (found.state === 'Looking');
  } catch (error) {
    if (signal.aborted) return;
    const failure = error instanceof Failure ? error : new Failure(0, '', String(error));
    // A kind that this server does not have is one of which nothing is there.
    tell(
      failure.code === 404 ? { ...found, state: 'All' } : { ...found, state: 'Failed', failure },
    );
  }
}

/** As people write it: `default/web`. */
export function fullName({ metadata: { namespace, name } }: ApiObject): string {
  return (namespace === undefined ? name : `${namespace}/${name}`).toLowerCase();
}
